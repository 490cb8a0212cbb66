//! Which previews a file gets. Pure: facts and a profile in, a plan with its reasons out.
//!
//! Invariants: nothing is scaled up; every size is even; a rung that would hardly differ from the next is left out;
//! there is always one playable rung for picture (a copy or `v360`) and `a128` for sound.

use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::facts::{AudioFacts, Kind, Probe, VideoFacts};
use crate::rate;

/// Who encodes H.264.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoder {
    /// Software; always there.
    #[default]
    X264,
    /// NVIDIA cards that have an encoder (data-centre cards such as the H200 have none).
    Nvenc,
}

impl Encoder {
    /// ffmpeg's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X264 => "libx264",
            Self::Nvenc => "h264_nvenc",
        }
    }
}

/// What the machine can spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Processor cores for one job. From four on the ladder gets `v720`.
    pub cores: u32,
    /// From a real test encode, see `probe_encoders`.
    pub encoder: Encoder,
}

impl Default for Profile {
    fn default() -> Self {
        Self { cores: 2, encoder: Encoder::X264 }
    }
}

/// One encoded picture rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Folder under `hls/`: `v1080`, `v720`, `v540`, `v360`.
    pub name: String,
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// x264's constant rate factor; nvenc uses two more as its `cq`.
    pub crf: u32,
    /// Bits per second that no two seconds exceed by more than the buffer.
    pub max_rate: u32,
    /// Speed of x264.
    pub preset: String,
}

/// Whether the picture may be passed through as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyVerdict {
    /// It may.
    pub allowed: bool,
    /// Why not, as plain sentences. Empty if it may.
    pub reasons: Vec<String>,
}

/// How the sound becomes the `a128` rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AudioPlan {
    /// AAC-LC that browsers play: passed through.
    Copy,
    /// AAC-LC, 128 kb/s, 48 kHz, stereo or mono.
    Encode,
}

/// What [`crate::build_fast`] makes: enough to review, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FastPlan {
    /// The copy decision. Not allowed for sound and images.
    pub copy: CopyVerdict,
    /// The rung that is encoded at once, if the picture cannot be copied.
    pub rung: Option<Rung>,
    /// Sound, if there is any.
    pub audio: Option<AudioPlan>,
    /// Sprites are made.
    pub sprites: bool,
}

/// What [`crate::build_full`] adds to the fast generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullPlan {
    /// Rungs still to encode, largest first: all in one decode.
    pub rungs: Vec<Rung>,
}

struct Step {
    name: &'static str,
    long: u32,
    short: u32,
    crf: u32,
    max_rate: u32,
    preset: &'static str,
}

const V1080: Step = Step { name: "v1080", long: 1920, short: 1080, crf: 21, max_rate: 6_000_000, preset: "veryfast" };
const V720: Step = Step { name: "v720", long: 1280, short: 720, crf: 22, max_rate: 3_000_000, preset: "veryfast" };
const V540: Step = Step { name: "v540", long: 960, short: 540, crf: 23, max_rate: 1_800_000, preset: "veryfast" };
const V360: Step = Step { name: "v360", long: 640, short: 360, crf: 24, max_rate: 800_000, preset: "superfast" };

/// Plans the first generation.
#[must_use]
pub fn plan_fast(probe: &Probe, _profile: &Profile) -> FastPlan {
    let audio = probe.audio.first().map(|track| audio_plan(probe.container, track));
    match (&probe.kind, &probe.video) {
        (Kind::Video, Some(video)) => {
            let copy = copy_verdict(probe, video);
            let rung = (!copy.allowed).then(|| rung(&V360, video));
            FastPlan { copy, rung, audio, sprites: true }
        }
        _ => FastPlan {
            copy: CopyVerdict { allowed: false, reasons: vec!["there is no moving picture".to_owned()] },
            rung: None,
            audio: audio.filter(|_| probe.kind == Kind::Audio),
            sprites: false,
        },
    }
}

/// Plans what is added after the first generation.
#[must_use]
pub fn plan_full(probe: &Probe, profile: &Profile) -> FullPlan {
    let (Kind::Video, Some(video)) = (probe.kind, &probe.video) else { return FullPlan { rungs: Vec::new() } };
    let copied = copy_verdict(probe, video).allowed;
    let roomy = profile.cores >= 4 || profile.encoder != Encoder::X264;
    let heavy = video.bit_rate.is_some_and(|rate| rate > 12_000_000);
    let (long, short) = (video.width.max(video.height), video.width.min(video.height));
    let mut steps = Vec::new();
    // Without a copy the top rung is the best picture anyone will see, so it is worth its time even on two cores.
    if !copied || (heavy && roomy) {
        steps.push(if long <= V720.long && short <= V720.short { &V720 } else { &V1080 });
    }
    if roomy && steps.last().is_none_or(|step| step.name != V720.name) {
        steps.push(&V720);
    }
    if !roomy {
        steps.push(&V540);
    }
    // Nobody waits for this one, so the low rung gets the better preset too.
    let low = rung(&Step { preset: V540.preset, ..V360 }, video);
    // From small to large, a rung must be a fifth wider than the one below it; a copy already stands at full size.
    let mut kept: Vec<Rung> = if copied { vec![low.clone()] } else { Vec::new() };
    let mut below = (low.width, low.height);
    for step in steps.into_iter().rev() {
        let next = rung(step, video);
        let taller = next.width * 5 >= below.0 * 6 && next.height > below.1;
        let beside_copy = copied && !heavy && next.width * 6 >= video.width * 5;
        if taller && !beside_copy {
            below = (next.width, next.height);
            kept.push(next);
        }
    }
    kept.reverse();
    FullPlan { rungs: kept }
}

fn rung(step: &Step, video: &VideoFacts) -> Rung {
    let (long, short) = (f64::from(step.long), f64::from(step.short));
    let (width, height) = (f64::from(video.width.max(2)), f64::from(video.height.max(2)));
    let (box_width, box_height) = if width >= height { (long, short) } else { (short, long) };
    let factor = (box_width / width).min(box_height / height).min(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 1920, at least 2")]
    let even = |value: f64| ((value / 2.0 + 1e-6).floor() as u32 * 2).max(2);
    let fast = video.frame_rate.is_some_and(|rate| rate::per_second(rate) > 31.0);
    Rung {
        name: step.name.to_owned(),
        width: even(width * factor),
        height: even(height * factor),
        crf: step.crf,
        max_rate: if fast { step.max_rate / 2 * 3 } else { step.max_rate },
        preset: step.preset.to_owned(),
    }
}

/// What browsers play without help; anything else breaks playback or seeking when copied.
fn copy_verdict(probe: &Probe, video: &VideoFacts) -> CopyVerdict {
    let profile = video.profile.as_deref().unwrap_or("unknown");
    let known_profile = ["Constrained Baseline", "Baseline", "Main", "High"].contains(&profile);
    let container = matches!(
        probe.container,
        Container::Mp4 | Container::Mov | Container::M4a | Container::Matroska | Container::MpegTs
    );
    // Without a rate of its own the picture's rate is at most that of the whole file.
    let whole = probe.duration_ms.filter(|ms| *ms > 0).map(|ms| probe.size.saturating_mul(8000) / ms);
    let rate = video.bit_rate.or(whole);
    let checks: &[(bool, &str)] = &[
        (video.codec == "h264", "the codec is not H.264"),
        (video.codec != "h264" || known_profile, "the H.264 profile is above High"),
        (video.codec != "h264" || video.level.is_some_and(|level| level <= 42), "the H.264 level is above 4.2"),
        (matches!(video.pix_fmt.as_str(), "yuv420p" | "yuvj420p"), "the picture is not 8-bit 4:2:0"),
        (!video.interlaced, "the picture is interlaced"),
        (!video.hdr, "the picture is HDR"),
        (!video.variable_rate && video.frame_rate.is_some(), "the frame rate varies"),
        (video.closed_gop, "the file does not start at a key frame, or pictures refer across key frames"),
        (video.max_gop_ms.is_some_and(|gop| gop <= 4_100), "key frames are more than 4 seconds apart"),
        (rate.is_some_and(|rate| rate <= 20_000_000), "the bit rate is above 20 Mb/s"),
        (video.rotation == 0, "the picture has to be turned"),
        (video.square_pixels, "the pixels are not square"),
        (container, "the container cannot be copied from"),
    ];
    let reasons: Vec<String> = checks.iter().filter(|(good, _)| !good).map(|(_, why)| (*why).to_owned()).collect();
    CopyVerdict { allowed: reasons.is_empty(), reasons }
}

fn audio_plan(container: Container, track: &AudioFacts) -> AudioPlan {
    let plain = track.codec == "aac"
        && track.profile.as_deref() == Some("LC")
        && (1..=2).contains(&track.channels)
        && (32_000..=48_000).contains(&track.sample_rate)
        && track.bit_rate.is_some_and(|rate| rate <= 330_000)
        // A copied track cannot be padded or cut to meet the picture.
        && track.lead_us.abs() <= 30_000;
    let carries = matches!(container, Container::Mp4 | Container::Mov | Container::M4a | Container::Matroska);
    if plain && carries { AudioPlan::Copy } else { AudioPlan::Encode }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(width: u32, height: u32) -> VideoFacts {
        VideoFacts {
            codec: "h264".into(),
            profile: Some("High".into()),
            level: Some(40),
            width,
            height,
            frame_rate: Some((30, 1)),
            frames: Some(300),
            pix_fmt: "yuv420p".into(),
            bit_depth: 8,
            rotation: 0,
            interlaced: false,
            hdr: false,
            variable_rate: false,
            max_gop_ms: Some(2000),
            closed_gop: true,
            square_pixels: true,
            alpha: false,
            colour_space: None,
            bit_rate: Some(8_000_000),
            lead_us: 0,
        }
    }

    fn probe(video: VideoFacts) -> Probe {
        Probe {
            kind: Kind::Video,
            container: Container::Mp4,
            size: 10_000_000,
            duration_ms: Some(10_000),
            start_ms: 0,
            timecode: None,
            video: Some(video),
            audio: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn names(probe: &Probe, cores: u32) -> Vec<(String, u32, u32)> {
        let profile = Profile { cores, ..Profile::default() };
        plan_full(probe, &profile).rungs.into_iter().map(|rung| (rung.name, rung.width, rung.height)).collect()
    }

    #[test]
    fn a_plain_camera_file_is_copied_and_gets_two_small_rungs() {
        let probe = probe(video(1920, 1080));
        let fast = plan_fast(&probe, &Profile::default());
        assert!(fast.copy.allowed && fast.rung.is_none(), "{:?}", fast.copy.reasons);
        assert_eq!(names(&probe, 2), [("v540".into(), 960, 540), ("v360".into(), 640, 360)]);
        assert_eq!(names(&probe, 8), [("v720".into(), 1280, 720), ("v360".into(), 640, 360)]);
    }

    #[test]
    fn each_broken_rule_forbids_the_copy_and_says_why() {
        type Break = fn(&mut VideoFacts);
        let breaks: &[Break] = &[
            |video| video.codec = "hevc".into(),
            |video| video.profile = Some("High 4:2:2".into()),
            |video| video.level = Some(51),
            |video| video.pix_fmt = "yuv420p10le".into(),
            |video| video.interlaced = true,
            |video| video.hdr = true,
            |video| video.variable_rate = true,
            |video| video.closed_gop = false,
            |video| video.max_gop_ms = Some(8300),
            |video| video.max_gop_ms = None,
            |video| video.bit_rate = Some(25_000_000),
            |video| video.rotation = 90,
            |video| video.square_pixels = false,
        ];
        for change in breaks {
            let mut facts = video(1920, 1080);
            change(&mut facts);
            let fast = plan_fast(&probe(facts), &Profile::default());
            assert_eq!((fast.copy.allowed, fast.copy.reasons.len()), (false, 1), "{:?}", fast.copy.reasons);
            assert_eq!(fast.rung.unwrap().name, "v360");
        }
    }

    #[test]
    fn nothing_is_scaled_up_and_all_sizes_are_even() {
        for (width, height) in
            [(1, 1), (64, 48), (320, 240), (641, 359), (720, 1280), (1281, 721), (4096, 1716), (8192, 16)]
        {
            let mut facts = video(width, height);
            facts.codec = "prores".into();
            let probe = probe(facts);
            let low = plan_fast(&probe, &Profile::default()).rung.unwrap();
            let mut all = plan_full(&probe, &Profile::default()).rungs;
            all.push(low);
            for rung in all {
                assert!(rung.width <= width.max(2) && rung.height <= height.max(2), "{width}x{height}: {rung:?}");
                assert_eq!((rung.width % 2, rung.height % 2), (0, 0));
            }
        }
    }

    #[test]
    fn a_source_that_cannot_be_copied_keeps_its_size_in_the_top_rung() {
        let mut large = video(3840, 2160);
        large.codec = "prores".into();
        assert_eq!(names(&probe(large), 2), [("v1080".into(), 1920, 1080), ("v540".into(), 960, 540)]);
        let mut medium = video(1280, 720);
        medium.codec = "mpeg4".into();
        assert_eq!(names(&probe(medium.clone()), 2), [("v720".into(), 1280, 720), ("v540".into(), 960, 540)]);
        (medium.width, medium.height) = (320, 240);
        assert_eq!(names(&probe(medium), 2), []);
        let mut tall = video(1080, 1920);
        tall.rotation = 90;
        assert_eq!(names(&probe(tall), 2), [("v1080".into(), 1080, 1920), ("v540".into(), 540, 960)]);
    }
}
