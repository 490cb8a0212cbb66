//! Sound for the speech engine: 16 kHz, mono, 32-bit float, little-endian, no header.
//!
//! Invariant: sample n is time n / 16000 on the clock of the preview (silence is put in before a late start), so word
//! times need no correction.

use std::path::{Path, PathBuf};

use crate::args::{self, Reading};
use crate::cancel::{Cancel, Observer};
use crate::error::{Fault, MediaError};
use crate::facts::Probe;
use crate::steps::Meter;
use crate::supervise::{Job, Limits, Stdout, run};
use crate::tools::{Program, Tools};

/// Samples per second.
pub const SPEECH_RATE: u32 = 16_000;

/// Where the sound is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeechAudio {
    /// Raw `f32le` samples.
    pub path: PathBuf,
    /// How many.
    pub samples: u64,
    /// Time of the first sample on the preview's clock; always 0 since the file is padded to the picture.
    pub start_ms: i64,
}

/// Writes the first sound track to `out`, which is replaced.
///
/// # Errors
/// `input_broken` without sound; else as [`MediaError::class`].
pub async fn extract_speech_audio(
    tools: &Tools,
    input: &Path,
    probe: &Probe,
    out: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<SpeechAudio, MediaError> {
    if probe.audio.is_empty() {
        return Err(Fault::NoStreams.into());
    }
    let (input, out) = (args::absolute(input)?, args::absolute(out)?);
    let mut arguments = args::input(probe, &input, Reading::default());
    arguments.add(&["-map", "0:a:0", "-vn", "-af", args::ON_THE_CLOCK, "-ac", "1", "-ar", "16000"]).add(&[
        "-c:a",
        "pcm_f32le",
        "-f",
        "f32le",
    ]);
    args::progress(&mut arguments);
    arguments.add(&[""]);
    let mut arguments = arguments.done();
    // The last word is the output; its name is the caller's and may be anything.
    arguments.pop();
    arguments.push(args::file_url(&out));
    let job = Job {
        step: "the speech track",
        program: Program::Ffmpeg,
        arguments,
        folder: None,
        limits: Limits::for_media(probe.seconds(), probe.size),
    };
    let meter = Meter::new(observer);
    let tell = meter.span(0.0, 0.99, probe.seconds(), "the speech track");
    let done = run(tools, job, Stdout::Progress(&tell), cancel).await;
    if let Err(error) = done {
        let _ = std::fs::remove_file(&out);
        return Err(error);
    }
    let size = std::fs::metadata(&out).map_err(|error| MediaError::io("open", &out, error))?.len();
    drop(tell);
    meter.reached(1.0, "done");
    Ok(SpeechAudio { path: out, samples: size / 4, start_ms: 0 })
}
