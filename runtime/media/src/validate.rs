//! The check between an encode and its publication, and the measuring that fills the manifest.
//!
//! Invariants: nothing is listed that was not read back from disk; a rendition that is shorter than the source, has a
//! segment too long to seek in, or does not decode is refused here, not found by a viewer.

use crate::error::{Fault, MediaError};
use crate::facts::Probe;
use crate::ladder::Encoder;
use crate::manifest::{Rendition, Source};
use crate::steps::{Bench, first_track};
use crate::{mp4, playlist, rate};

/// Longest segment of a copy: a group of up to 4.1 s that begins just before the cut at 4 s, and a short tail.
const LONGEST_SEGMENT_US: u64 = 9_000_000;

/// What a rendition is claimed to be before it is measured.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) name: String,
    /// Pixels; 0 × 0 for sound.
    pub(crate) size: (u32, u32),
    pub(crate) source: Source,
    pub(crate) encoder: Option<&'static str>,
}

impl Claim {
    pub(crate) fn encoded(name: &str, size: (u32, u32), encoder: Encoder) -> Self {
        Self { name: name.to_owned(), size, source: Source::Encoded, encoder: Some(encoder.name()) }
    }
}

/// Settles, checks and measures one fresh rendition.
pub(crate) async fn rendition(bench: &Bench<'_>, claim: &Claim) -> Result<Rendition, MediaError> {
    let folder = bench.out.join("hls").join(&claim.name);
    let index = playlist::join_short_tail(&folder, playlist::index(&folder)?)?;
    let picture = claim.size.0 > 0;
    if picture {
        let names: Vec<String> = index.segments.iter().map(|segment| segment.name.clone()).collect();
        mp4::settle(&folder, &names)?;
    }
    let init = mp4::read(&folder.join("init.mp4"))?;
    let codecs = mp4::codecs(&init).ok_or_else(|| refuse(&claim.name, "declares no codec that browsers know"))?;
    if index.segments.iter().any(|segment| segment.duration_us > LONGEST_SEGMENT_US) {
        return Err(refuse(&claim.name, "has a segment longer than 9 seconds"));
    }
    let duration_us = index.duration_us();
    check_duration(bench.probe, picture, &claim.name, duration_us)?;
    if !bench.decodes(&claim.name).await? {
        return Err(refuse(&claim.name, "does not decode"));
    }
    Ok(Rendition {
        name: claim.name.clone(),
        width: claim.size.0,
        height: claim.size.1,
        frame_rate: bench.probe.video.as_ref().and_then(|video| video.frame_rate).filter(|_| picture),
        bandwidth: index.peak_bandwidth(),
        average_bandwidth: index.average_bandwidth(),
        codecs,
        source: claim.source,
        encoder: claim.encoder.map(str::to_owned),
        segments: u32::try_from(index.segments.len()).unwrap_or(u32::MAX),
        duration_ms: (duration_us + 500) / 1000,
    })
}

/// A steady picture is exact to a frame; a varying one, and sound, to half a second.
fn check_duration(probe: &Probe, picture: bool, name: &str, have_us: u64) -> Result<(), MediaError> {
    let (want_ms, slack_us) = if picture {
        let steady = probe.video.as_ref().filter(|video| !video.variable_rate).and_then(|video| video.frame_rate);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a frame lasts under 1000 s")]
        let slack = steady.map_or(500_000, |steady| (1.5e6 / rate::per_second(steady)) as u64 + 20_000);
        (probe.duration_ms, slack)
    } else {
        let track = first_track(probe);
        let lead = track.map_or(0, |track| track.lead_us.max(0).unsigned_abs() / 1000);
        // Without a picture the probe has counted the packets; a header's length is second best.
        let length = if probe.video.is_none() { probe.duration_ms } else { track.and_then(|track| track.duration_ms) };
        (length.map(|ms| ms + lead), 500_000)
    };
    match want_ms {
        Some(want) if have_us.abs_diff(want * 1000) > slack_us => {
            tracing::debug!(name, have_us, want_ms = want, slack_us, "a rendition has the wrong length");
            Err(refuse(name, "does not last as long as the original"))
        }
        _ => Ok(()),
    }
}

fn refuse(name: &str, what: &str) -> MediaError {
    Fault::Invalid { what: format!("`{name}` {what}") }.into()
}
