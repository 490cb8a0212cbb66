//! Opens a file for the first time, behind all walls, and collects its facts.
//!
//! Three short looks: streams and format; the first pictures (or sounds) decoded, which proves that they can be; the times
//! and flags of packets. Invariants: the demuxer is the one `sniff` named, so a playlist in disguise opens no other file;
//! every look has a limit in time, output and memory; text of the file never becomes part of a message.

use std::path::Path;
use std::time::Duration;

use crate::analysis::{self, Packet};
use crate::answer::{self, Answer, Format, Frame, Frames, Stream, declared_us, time};
use crate::args::{self, Args};
use crate::cancel::Cancel;
use crate::container::Container;
use crate::error::{Fault, MediaError};
use crate::facts::{Kind, Probe, VideoFacts};
use crate::rate;
use crate::supervise::{Job, Limits, Stdout, run};
use crate::tools::{Program, Tools};

/// How much a file may cost before it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeLimits {
    /// Largest picture.
    pub max_pixels: u64,
    /// Most streams.
    pub max_streams: u32,
    /// For each of the looks.
    pub wall: Duration,
}

impl Default for ProbeLimits {
    fn default() -> Self {
        Self { max_pixels: args::MAX_PIXELS, max_streams: args::MAX_STREAMS, wall: Duration::from_secs(60) }
    }
}

/// Files up to this long are read whole for the packet look, longer ones at the start, in the middle and at the end.
const WHOLE_US: i64 = 15 * 60 * 1_000_000;
const WHOLE_BYTES: u64 = 2 << 30;
const ANSWER: usize = 32 << 20;

/// One file under the glass.
struct Glass<'a> {
    tools: &'a Tools,
    input: &'a Path,
    container: Container,
    limits: ProbeLimits,
    cancel: Cancel,
}

/// Collects the facts of a sniffed file.
///
/// # Errors
/// `input_broken` for what is cut or damaged, `unsupported` for sound files of kinds that are not handled, `timeout`,
/// `internal` when the tools themselves fail.
pub async fn probe(
    tools: &Tools,
    input: &Path,
    container: Container,
    limits: ProbeLimits,
) -> Result<Probe, MediaError> {
    let input = &args::absolute(input)?;
    let meta = std::fs::metadata(input).map_err(|error| MediaError::io("open", input, error))?;
    if meta.len() == 0 {
        return Err(Fault::Empty.into());
    }
    let glass = Glass { tools, input, container, limits, cancel: Cancel::new() };
    let said: Answer = glass.ask("the look at the streams", &["-show_format", "-show_streams", "-of", "json"]).await?;
    let picture = said.streams.iter().find(|stream| answer::is_picture(stream));
    let sounds: Vec<&Stream> = said.streams.iter().filter(|stream| stream.codec_type == "audio").collect();
    answer::check_codecs(picture, &sounds)?;
    let kind = match (picture, container.is_image()) {
        (Some(_), true) => Kind::Image,
        (Some(_), false) => Kind::Video,
        (None, _) if !sounds.is_empty() => Kind::Audio,
        (None, _) => return Err(Fault::NoStreams.into()),
    };
    let file_start = time(said.format.start_time.as_deref()).unwrap_or(0);
    let mut probe = Probe {
        kind,
        container,
        size: meta.len(),
        duration_ms: None,
        start_ms: 0,
        timecode: answer::timecode(&said),
        video: None,
        audio: Vec::new(),
        warnings: Vec::new(),
    };
    let mut picture_start = file_start;
    if let Some(stream) = picture {
        let frame = glass.first_picture().await?;
        let mut facts = answer::video_facts(stream, &frame, limits.max_pixels)?;
        picture_start = time(stream.start_time.as_deref()).unwrap_or(file_start);
        facts.lead_us = picture_start - file_start;
        if kind == Kind::Video {
            glass.measure_picture(stream, &said.format, &mut facts, &mut probe).await?;
        }
        probe.video = Some(facts);
    }
    for stream in sounds.iter().filter(|_| kind != Kind::Image) {
        probe.audio.push(answer::audio_facts(stream, picture_start));
    }
    if kind == Kind::Audio {
        glass.measure_sound(&said.format, &mut probe).await?;
    }
    if !probe.audio.is_empty() {
        glass.first_sound().await?;
    }
    probe.start_ms = picture_start / 1000;
    note_limits(&mut probe);
    Ok(probe)
}

impl Glass<'_> {
    async fn text(&self, step: &'static str, question: &[&str]) -> Result<String, MediaError> {
        let mut args = Args::new(&["-hide_banner", "-v", "error"]);
        args::walls(&mut args, self.container, self.limits.max_pixels, self.limits.max_streams);
        args.add(question).pair("-i", args::file_url(self.input));
        let limits = Limits::short(self.limits.wall);
        let job = Job { step, program: Program::Ffprobe, arguments: args.done(), folder: None, limits };
        let finished = run(self.tools, job, Stdout::Collect(ANSWER), &self.cancel).await.map_err(|error| {
            // What a forced demuxer cannot open is damaged, whatever words the tool found for it.
            match error.fault() {
                Fault::Tool { .. } | Fault::UnsupportedKind { .. } => {
                    MediaError::with_log(Fault::Undecodable, error.log().unwrap_or_default().to_owned())
                }
                _ => error,
            }
        })?;
        if finished.log.contains("exceeds max_pixels") || finished.log.contains("Picture size") {
            let megapixels = self.limits.max_pixels / 1_000_000;
            return Err(MediaError::with_log(Fault::TooManyPixels { megapixels }, finished.log));
        }
        Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        step: &'static str,
        question: &[&str],
    ) -> Result<T, MediaError> {
        let text = self.text(step, question).await?;
        serde_json::from_str(&text).map_err(|error| MediaError::with_log(Fault::Answer { step }, error.to_string()))
    }

    /// A trimmed file can begin with many pictures that are decoded but not shown; the second try reads past them.
    async fn first_picture(&self) -> Result<Frame, MediaError> {
        for interval in ["%+#8", "%+#600"] {
            let question = ["-select_streams", "v:0", "-read_intervals", interval, "-show_frames", "-of", "json"];
            let frames: Frames = self.ask("the look at the first pictures", &question).await?;
            if let Some(frame) = frames.frames.into_iter().next() {
                return Ok(frame);
            }
        }
        Err(Fault::Undecodable.into())
    }

    async fn first_sound(&self) -> Result<(), MediaError> {
        let question = [
            "-select_streams",
            "a:0",
            "-read_intervals",
            "%+#16",
            "-show_entries",
            "frame=nb_samples",
            "-of",
            "csv=p=0",
        ];
        let text = self.text("the look at the first sounds", &question).await?;
        if text.lines().all(|line| line.trim().is_empty()) { Err(Fault::Undecodable.into()) } else { Ok(()) }
    }

    async fn packets(&self, stream: &str, interval: Option<String>) -> Result<Vec<Packet>, MediaError> {
        let interval = interval.unwrap_or_default();
        let mut question = vec![
            "-select_streams",
            stream,
            "-show_entries",
            "packet=pts_time,dts_time,duration_time,flags",
            "-of",
            "csv=p=0",
        ];
        if !interval.is_empty() {
            question.extend(["-read_intervals", &interval]);
        }
        Ok(analysis::parse(&self.text("the look at the packets", &question).await?))
    }

    async fn measure_picture(
        &self,
        stream: &Stream,
        format: &Format,
        facts: &mut VideoFacts,
        probe: &mut Probe,
    ) -> Result<(), MediaError> {
        let declared = declared_us(stream);
        let rough = declared.or_else(|| time(format.duration.as_deref()));
        let whole = rough.is_none_or(|length| length <= WHOLE_US) && probe.size <= WHOLE_BYTES;
        let first = time(stream.start_time.as_deref()).unwrap_or(0);
        let intervals = match rough {
            Some(length) if !whole => {
                // Absolute times, in seconds; a seek lands at the key frame before.
                let at = |us: i64, seconds: u32| Some(format!("{}%+{seconds}", (first + us) / 1_000_000));
                vec![at(0, 120), at(length / 2, 40), at((length - 40_000_000).max(0), 60)]
            }
            _ => vec![None],
        };
        let mut runs = Vec::new();
        for interval in intervals {
            runs.push(self.packets("v:0", interval).await?);
        }
        let found: Vec<_> = runs.iter().filter_map(|run| analysis::findings(run)).collect();
        let (Some(head), Some(last)) = (found.first(), found.last()) else { return Err(Fault::Undecodable.into()) };
        refuse_cut(declared, last.end_us - first)?;
        facts.closed_gop = found.iter().all(|run| run.closed) && !head.any_discarded;
        for run in &mut runs {
            run.retain(|packet| !packet.discarded);
        }
        // In a long file the ends of the samples are not ends of groups, but a sample is longer than any allowed group.
        let gop = found.iter().map(|run| run.max_gop_us).max().unwrap_or(0);
        facts.max_gop_ms = u32::try_from(gop / 1000).ok();
        let named = [stream.r_frame_rate.as_deref(), stream.avg_frame_rate.as_deref()];
        let rates: Vec<(u32, u32)> = named
            .iter()
            .filter_map(|text| text.and_then(rate::parse))
            .filter_map(|(num, den)| rate::snap(num, den))
            .chain(runs.first().and_then(|run| analysis::mean_rate(run)))
            .collect();
        let steady = rates.iter().find(|rate| runs.iter().all(|run| analysis::on_grid(run, **rate))).copied();
        facts.variable_rate = steady.is_none();
        // Of a varying rate the mean is the best name; the container's own guess can be its clock (90000).
        facts.frame_rate = steady.or_else(|| rates.get(1).or(rates.first()).copied());
        // Counting beats the container's word, which includes pictures that an edit list hides.
        let counted = runs.first().filter(|_| whole).map(|run| run.len() as u64);
        let frames = counted.or_else(|| stream.nb_frames.as_deref().and_then(|text| text.parse().ok()));
        let measured = match (steady, frames) {
            (Some(rate), Some(frames)) => frame_span_us(frames, rate),
            _ => None,
        };
        let length = measured.or_else(|| whole.then_some(last.end_us - first)).or(rough).unwrap_or(0);
        probe.duration_ms = Some(u64::try_from((length + 500) / 1000).unwrap_or(0).max(1));
        facts.frames = frames.or_else(|| facts.frame_rate.and_then(|rate| frames_in(length, rate)));
        Ok(())
    }

    async fn measure_sound(&self, format: &Format, probe: &mut Probe) -> Result<(), MediaError> {
        let track =
            probe.audio.first().and_then(|track| track.duration_ms).and_then(|ms| i64::try_from(ms * 1000).ok());
        let rough = track.or_else(|| time(format.duration.as_deref()));
        let whole = rough.is_none_or(|length| length <= 4 * WHOLE_US) && probe.size <= WHOLE_BYTES;
        let mut length = rough.unwrap_or(0);
        if whole {
            let run = self.packets("a:0", None).await?;
            let Some(found) = analysis::findings(&run) else { return Err(Fault::Undecodable.into()) };
            let have = found.end_us - found.first_us;
            // Only these name their length in the file; for the rest it is computed from the size.
            if matches!(
                probe.container,
                Container::Mp4 | Container::Mov | Container::M4a | Container::Wav | Container::Flac
            ) {
                refuse_cut(rough, have)?;
            }
            length = have;
        }
        probe.duration_ms = Some(u64::try_from((length + 500) / 1000).unwrap_or(0).max(1));
        Ok(())
    }
}

/// Media that ends more than a second and 2 % before its declared end was cut off.
fn refuse_cut(declared: Option<i64>, have: i64) -> Result<(), MediaError> {
    match declared {
        Some(want) if have < want - (want / 50).max(1_000_000) => {
            let clock = |us: i64| format!("{}:{:02}", us.max(0) / 60_000_000, us.max(0) / 1_000_000 % 60);
            Err(Fault::Cut { have: clock(have), want: clock(want) }.into())
        }
        _ => Ok(()),
    }
}

fn frame_span_us(frames: u64, (num, den): (u32, u32)) -> Option<i64> {
    i64::try_from(u128::from(frames) * u128::from(den) * 1_000_000 / u128::from(num.max(1))).ok()
}

fn frames_in(length_us: i64, (num, den): (u32, u32)) -> Option<u64> {
    let (length, den) = (u128::try_from(length_us).ok()?, u128::from(den.max(1)));
    u64::try_from((length * u128::from(num) + den * 500_000) / (den * 1_000_000)).ok()
}

fn note_limits(probe: &mut Probe) {
    let Probe { video, audio, warnings, .. } = probe;
    if audio.len() > 1 {
        warnings.push(format!("the preview has the first of {} sound tracks", audio.len()));
    }
    if video.as_ref().is_some_and(|video| video.variable_rate) {
        warnings.push("the frame rate varies: frame numbers are approximate".to_owned());
    }
    if video.as_ref().is_some_and(|video| video.hdr) {
        warnings.push("the picture is HDR and is shown tone-mapped; judge colour on the original".to_owned());
    }
}
