//! Raw sound on disk: its loudness frame by frame, and any stretch of its samples.
//!
//! Invariants: one second of samples at a time while measuring, one window while reading; samples that are not numbers
//! are silence, and all lie within -1 and 1. The loudness of 48 hours takes 66 MiB.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::{FRAME, RATE, SpeechError};

/// 48 hours.
const SAMPLES_MAX: u64 = 48 * 3600 * RATE as u64;
const BYTES: u64 = 4;
/// What silence measures, in dB of full scale.
pub const SILENCE_DB: f32 = -90.0;

/// A file of little-endian 32-bit float samples, 16 kHz, one channel.
#[derive(Debug)]
pub struct Audio {
    path: PathBuf,
    file: File,
    samples: u64,
}

impl Audio {
    /// Opens a file.
    ///
    /// # Errors
    /// [`SpeechError::AudioUnreadable`]; [`SpeechError::AudioShape`] when it is not whole samples or longer than 48 hours.
    pub fn open(path: &Path) -> Result<Self, SpeechError> {
        let unreadable = |source| SpeechError::AudioUnreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let len = file.metadata().map_err(unreadable)?.len();
        if len % BYTES != 0 || len / BYTES > SAMPLES_MAX {
            return Err(SpeechError::AudioShape { path: path.to_owned(), len });
        }
        Ok(Self { path: path.to_owned(), file, samples: len / BYTES })
    }

    /// Samples in all.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// Length in milliseconds.
    #[must_use]
    pub const fn duration_ms(&self) -> u64 {
        self.samples * 1000 / RATE as u64
    }

    /// The samples of a range, cut at the end of the file, appended to `out`.
    ///
    /// # Errors
    /// [`SpeechError::AudioUnreadable`].
    pub fn read(&self, range: Range<u64>, out: &mut Vec<f32>) -> Result<(), SpeechError> {
        let (start, end) = (range.start.min(self.samples), range.end.min(self.samples));
        // At most one window at a time: the cast keeps its value on every machine this runs on.
        let mut bytes = vec![0; (end.saturating_sub(start) * BYTES) as usize];
        self.file
            .read_exact_at(&mut bytes, start * BYTES)
            .map_err(|source| SpeechError::AudioUnreadable { path: self.path.clone(), source })?;
        let (samples, _) = bytes.as_chunks::<4>();
        out.extend(samples.iter().map(|sample| {
            let value = f32::from_le_bytes(*sample);
            if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 }
        }));
        Ok(())
    }

    /// The loudness of the whole file: one value in dB per 10 ms, from [`SILENCE_DB`] up. `go_on` is asked once per second
    /// of sound.
    ///
    /// # Errors
    /// [`SpeechError::AudioUnreadable`]; [`SpeechError::Cancelled`] when `go_on` says no.
    pub fn envelope(&self, go_on: impl Fn() -> bool) -> Result<Vec<f32>, SpeechError> {
        let mut meter = Meter::default();
        let mut envelope = Vec::with_capacity((self.samples / FRAME as u64) as usize + 1);
        let mut second = Vec::with_capacity(RATE);
        for start in (0..self.samples).step_by(RATE) {
            if !go_on() {
                return Err(SpeechError::Cancelled);
            }
            second.clear();
            self.read(start..start + RATE as u64, &mut second)?;
            envelope.extend(second.chunks(FRAME).map(|frame| meter.measure(frame)));
        }
        Ok(envelope)
    }
}

/// Measures frames of one stream, blind to hum and offsets below about 100 Hz.
#[derive(Debug, Default)]
pub struct Meter {
    input: f32,
    output: f32,
}

impl Meter {
    /// Loudness of the next frame in dB of full scale.
    pub fn measure(&mut self, frame: &[f32]) -> f32 {
        // One-pole high-pass: 1 - 2π·100/16000.
        const KEEP: f32 = 0.961;
        let mut sum = 0.0;
        for sample in frame {
            self.output = KEEP * (self.output + sample - self.input);
            self.input = *sample;
            sum += self.output * self.output;
        }
        let mean = sum / frame.len().max(1) as f32;
        (10.0 * (mean + 1e-12).log10()).max(SILENCE_DB)
    }
}
