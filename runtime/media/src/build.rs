//! The two builds: `fast` (playable in seconds) and `full` (the ladder beside it).
//!
//! Invariants: the output folder holds only names of ours; it has a `manifest.json` if, and only if, everything in it was
//! checked; after an error or a cancel nothing of the build is left in it. A fast build never depends on a full one.

use std::path::Path;
use std::time::Instant;

use crate::args;
use crate::cancel::{Cancel, Observer};
use crate::error::{Class, Fault, MediaError};
use crate::facts::{Kind, Probe, VideoFacts};
use crate::ladder::{AudioPlan, Encoder, FastPlan, Profile, Rung, plan_fast, plan_full};
use crate::manifest::{self, Built, Fallback, MANIFEST_SCHEMA, Manifest, Rendition, Source, Timing};
use crate::playlist;
use crate::steps::{Bench, Meter, Span, first_track};
use crate::tools::Tools;
use crate::validate::{self, Claim};

const FOLDERS: [&str; 4] = ["hls", "thumbs", "waveform", "image"];

/// Makes the first generation: poster, card, a playable rendition, scrub pictures and waveform, or the sizes of a still.
///
/// # Errors
/// As [`MediaError::class`]; `out` is then empty of our names again.
pub async fn build_fast(
    tools: &Tools,
    input: &Path,
    probe: &Probe,
    profile: &Profile,
    out: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Built, MediaError> {
    let bench = bench(tools, input, probe, profile, out, observer, cancel)?;
    let mut work = Work::new("fast");
    let done = work.fast(&bench).await;
    finish(&bench, work, done).await
}

/// Makes the second generation: everything of the first (by hard link where the file system can) and the ladder.
///
/// Without a usable first generation in `fast` it is made anew.
///
/// # Errors
/// As [`build_fast`].
#[expect(clippy::too_many_arguments, reason = "the binding interface")]
pub async fn build_full(
    tools: &Tools,
    input: &Path,
    probe: &Probe,
    profile: &Profile,
    fast: &Path,
    out: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Built, MediaError> {
    let bench = bench(tools, input, probe, profile, out, observer, cancel)?;
    let mut work = Work::new("full");
    let done = work.full(&bench, fast).await;
    finish(&bench, work, done).await
}

fn bench<'a>(
    tools: &'a Tools,
    input: &Path,
    probe: &'a Probe,
    profile: &Profile,
    out: &'a Path,
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
) -> Result<Bench<'a>, MediaError> {
    let input = args::absolute(input)?;
    sweep(out)?;
    std::fs::create_dir_all(out).map_err(|error| MediaError::io("create", out, error))?;
    Ok(Bench { tools, input, probe, profile: *profile, out, meter: Meter::new(observer), cancel })
}

/// Removes what an earlier attempt of ours left, and nothing else.
fn sweep(out: &Path) -> Result<(), MediaError> {
    let gone = |result: std::io::Result<()>, path: &Path| match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(MediaError::io("remove", path, error)),
        _ => Ok(()),
    };
    for name in ["manifest.json", ".manifest.json.partial"] {
        let path = out.join(name);
        gone(std::fs::remove_file(&path), &path)?;
    }
    for name in FOLDERS {
        let path = out.join(name);
        gone(std::fs::remove_dir_all(&path), &path)?;
    }
    Ok(())
}

async fn finish(bench: &Bench<'_>, work: Work, done: Result<(), MediaError>) -> Result<Built, MediaError> {
    let built = match done {
        Ok(()) => work.publish(bench).await,
        Err(error) => Err(error),
    };
    if built.is_err() {
        // The first error is the one to tell.
        let _ = sweep(bench.out);
    }
    built
}

/// What a build has so far.
struct Work {
    generation: &'static str,
    renditions: Vec<Rendition>,
    fallbacks: Vec<Fallback>,
    timings: Vec<Timing>,
    plan: Option<FastPlan>,
}

impl Work {
    fn new(generation: &'static str) -> Self {
        Self { generation, renditions: Vec::new(), fallbacks: Vec::new(), timings: Vec::new(), plan: None }
    }

    fn timed(&mut self, step: &str, since: Instant) {
        let wall_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.timings.push(Timing { step: step.to_owned(), wall_ms });
    }

    async fn fast(&mut self, bench: &Bench<'_>) -> Result<(), MediaError> {
        let plan = plan_fast(bench.probe, &bench.profile);
        let result = match (bench.probe.kind, bench.probe.video.as_ref()) {
            (Kind::Image, Some(video)) => self.still(bench, video).await,
            (Kind::Video, Some(video)) => self.moving(bench, video, &plan).await,
            _ => self.listening(bench, &plan).await,
        };
        self.plan = Some(plan);
        result
    }

    async fn still(&mut self, bench: &Bench<'_>, video: &VideoFacts) -> Result<(), MediaError> {
        let since = Instant::now();
        bench.image(video).await?;
        self.timed("picture", since);
        Ok(())
    }

    async fn listening(&mut self, bench: &Bench<'_>, plan: &FastPlan) -> Result<(), MediaError> {
        let audio = plan.audio.ok_or(Fault::NoStreams)?;
        let since = Instant::now();
        bench.sound(audio, (0.0, 0.7)).await?;
        self.sound_rendition(bench, audio).await?;
        self.timed("sound", since);
        bench.meter.reached(0.7, "playable");
        let since = Instant::now();
        bench.waveform((0.7, 0.95)).await?;
        self.timed("waveform", since);
        Ok(())
    }

    async fn moving(&mut self, bench: &Bench<'_>, video: &VideoFacts, plan: &FastPlan) -> Result<(), MediaError> {
        let since = Instant::now();
        bench.poster(video).await?;
        self.timed("poster", since);
        bench.meter.reached(0.05, "poster");
        let since = Instant::now();
        self.playable(bench, video, plan).await?;
        self.timed("playable", since);
        bench.meter.reached(0.7, "playable");
        let since = Instant::now();
        // Both wait on one decoder thread each, so side by side they fill two cores.
        let sound = async {
            match plan.audio {
                Some(_) => bench.waveform((0.7, 0.95)).await,
                None => Ok(()),
            }
        };
        tokio::try_join!(bench.sprites(video, (0.7, 0.95)), sound)?;
        self.timed("scrub pictures and waveform", since);
        Ok(())
    }

    /// A copy, or where that is not allowed or does not pass its check, the low rung.
    async fn playable(&mut self, bench: &Bench<'_>, video: &VideoFacts, plan: &FastPlan) -> Result<(), MediaError> {
        if plan.copy.allowed {
            match self.copied(bench, video, plan.audio).await {
                Ok(()) => return Ok(()),
                Err(error) if may_fall_back(&error) => {
                    let to = "an encoded rendition".to_owned();
                    self.fallbacks.push(Fallback { from: "copy".to_owned(), to, reason: error.to_string() });
                    self.renditions.clear();
                    remove_renditions(bench.out)?;
                }
                Err(error) => return Err(error),
            }
        }
        // The lowest step of the plan even if a copy had been planned.
        let rung = match &plan.rung {
            Some(rung) => rung.clone(),
            None => low_rung(bench),
        };
        let audio = plan
            .audio
            .map(|_| if plan.copy.allowed { AudioPlan::Encode } else { plan.audio.unwrap_or(AudioPlan::Encode) });
        self.encoded(bench, video, &[rung], audio, (0.05, 0.7)).await?;
        if let Some(audio) = audio {
            self.sound_rendition(bench, audio).await?;
        }
        Ok(())
    }

    async fn copied(
        &mut self,
        bench: &Bench<'_>,
        video: &VideoFacts,
        audio: Option<AudioPlan>,
    ) -> Result<(), MediaError> {
        bench.copy(audio, (0.05, 0.7)).await?;
        let size = (video.width, video.height);
        let claim = Claim { name: "copy".to_owned(), size, source: Source::Copy, encoder: None };
        self.renditions.push(validate::rendition(bench, &claim).await?);
        match audio {
            Some(audio) => self.sound_rendition(bench, audio).await,
            None => Ok(()),
        }
    }

    async fn sound_rendition(&mut self, bench: &Bench<'_>, audio: AudioPlan) -> Result<(), MediaError> {
        let (source, encoder) = match audio {
            AudioPlan::Copy => (Source::Copy, None),
            AudioPlan::Encode => (Source::Encoded, Some("aac")),
        };
        let claim = Claim { name: "a128".to_owned(), size: (0, 0), source, encoder };
        self.renditions.push(validate::rendition(bench, &claim).await?);
        Ok(())
    }

    /// Encodes with the profile's encoder; if that is hardware and fails, once more in software.
    async fn encoded(
        &mut self,
        bench: &Bench<'_>,
        video: &VideoFacts,
        rungs: &[Rung],
        audio: Option<AudioPlan>,
        span: Span,
    ) -> Result<(), MediaError> {
        let mut encoder = bench.profile.encoder;
        let mut result = self.ladder(bench, video, rungs, audio, encoder, span).await;
        if let Err(error) = &result
            && encoder != Encoder::X264
            && may_fall_back(error)
        {
            let from = encoder.name().to_owned();
            self.fallbacks.push(Fallback { from, to: Encoder::X264.name().to_owned(), reason: error.to_string() });
            encoder = Encoder::X264;
            result = self.ladder(bench, video, rungs, audio, encoder, span).await;
        }
        result
    }

    async fn ladder(
        &mut self,
        bench: &Bench<'_>,
        video: &VideoFacts,
        rungs: &[Rung],
        audio: Option<AudioPlan>,
        encoder: Encoder,
        span: Span,
    ) -> Result<(), MediaError> {
        bench.ladder(video, rungs, audio, encoder, span).await?;
        let mut fresh = Vec::new();
        for rung in rungs {
            let claim = Claim::encoded(&rung.name, (rung.width, rung.height), encoder);
            fresh.push(validate::rendition(bench, &claim).await?);
        }
        self.renditions.extend(fresh);
        Ok(())
    }

    async fn full(&mut self, bench: &Bench<'_>, fast: &Path) -> Result<(), MediaError> {
        let since = Instant::now();
        match self.adopt(bench, fast) {
            Ok(()) => self.timed("adopt", since),
            Err(error) => {
                tracing::warn!(error = %runtime_diag::one_line(&error), "the first generation cannot be used and is made anew");
                let to = "making it anew".to_owned();
                self.fallbacks.push(Fallback { from: "first generation".to_owned(), to, reason: error.to_string() });
                sweep(bench.out)?;
                self.renditions.clear();
                self.fast(bench).await?;
            }
        }
        let have = |name: &str| self.renditions.iter().any(|rendition| rendition.name == name);
        let rungs: Vec<Rung> =
            plan_full(bench.probe, &bench.profile).rungs.into_iter().filter(|rung| !have(&rung.name)).collect();
        if let (Some(video), false) = (&bench.probe.video, rungs.is_empty()) {
            let since = Instant::now();
            self.encoded(bench, video, &rungs, None, (0.05, 0.95)).await?;
            self.timed("ladder", since);
        }
        Ok(())
    }

    /// Takes over every file of the first generation but what is written anew.
    fn adopt(&mut self, bench: &Bench<'_>, fast: &Path) -> Result<(), MediaError> {
        let before = manifest::read(fast)?;
        if before.schema != MANIFEST_SCHEMA || before.kind != bench.probe.kind {
            return Err(Fault::Invalid { what: "the first generation is of another kind".to_owned() }.into());
        }
        for file in before.files.iter().filter(|file| file.path != "hls/multivariant.m3u8") {
            let ours =
                FOLDERS.iter().any(|folder| file.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
            if !ours || file.path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
                return Err(
                    Fault::Invalid { what: "the first generation names a file that is not ours".to_owned() }.into()
                );
            }
            let (from, to) = (fast.join(&file.path), bench.out.join(&file.path));
            if let Some(parent) = to.parent() {
                std::fs::create_dir_all(parent).map_err(|error| MediaError::io("create", parent, error))?;
            }
            if std::fs::hard_link(&from, &to).is_err() {
                std::fs::copy(&from, &to).map_err(|error| MediaError::io("copy", &from, error))?;
            }
        }
        self.renditions = before.renditions;
        self.fallbacks = before.fallbacks;
        Ok(())
    }

    async fn publish(mut self, bench: &Bench<'_>) -> Result<Built, MediaError> {
        let since = Instant::now();
        self.renditions.sort_by_key(|rendition| {
            std::cmp::Reverse((rendition.width, rendition.source == Source::Copy, rendition.bandwidth))
        });
        if !self.renditions.is_empty() {
            let channels = first_track(bench.probe).map_or(2, |track| track.channels.clamp(1, 2));
            let path = bench.out.join("hls/multivariant.m3u8");
            std::fs::write(&path, playlist::multivariant(&self.renditions, channels))
                .map_err(|error| MediaError::io("write", &path, error))?;
        }
        let out = bench.out.to_owned();
        let files = tokio::task::spawn_blocking(move || manifest::inventory(&out))
            .await
            .map_err(|error| MediaError::io("read", bench.out, std::io::Error::other(error)))??;
        self.timed("digests", since);
        let moving = bench.probe.kind == Kind::Video;
        let plan = self.plan.unwrap_or_else(|| plan_fast(bench.probe, &bench.profile));
        let manifest = Manifest {
            schema: MANIFEST_SCHEMA.to_owned(),
            kind: bench.probe.kind,
            generation: self.generation.to_owned(),
            ffmpeg: bench.tools.version().await?.to_owned(),
            files,
            renditions: self.renditions,
            copy: moving.then_some(plan.copy),
            fallbacks: self.fallbacks,
            timings: self.timings,
            warnings: bench.probe.warnings.clone(),
        };
        if bench.cancel.is_cancelled() {
            return Err(Fault::Cancelled.into());
        }
        manifest::write(bench.out, &manifest)?;
        bench.meter.reached(1.0, "done");
        Ok(Built { manifest })
    }
}

/// Another way of encoding helps against faults of a way of encoding, not against a full disk or a cancel.
fn may_fall_back(error: &MediaError) -> bool {
    match error.class() {
        Class::Internal | Class::Device | Class::InputBroken | Class::Unsupported => true,
        Class::Refused | Class::Resource | Class::Timeout | Class::Cancelled => false,
    }
}

fn remove_renditions(out: &Path) -> Result<(), MediaError> {
    let path = out.join("hls");
    std::fs::remove_dir_all(&path).map_err(|error| MediaError::io("remove", &path, error))
}

fn low_rung(bench: &Bench<'_>) -> Rung {
    let mut probe = bench.probe.clone();
    if let Some(video) = &mut probe.video {
        // Forbids the copy in the plan, so that it names the rung.
        video.closed_gop = false;
    }
    plan_fast(&probe, &bench.profile).rung.unwrap_or(Rung {
        name: "v360".to_owned(),
        width: 640,
        height: 360,
        crf: 24,
        max_rate: 800_000,
        preset: "superfast".to_owned(),
    })
}
