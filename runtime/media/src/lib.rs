//! Media previews: what a file is, whether it may be opened, and the pictures, sound and HLS that people review.
//!
//! The order of use is `sniff` → `probe` → `plan_*` → `build_fast` → `build_full`; each step takes what the step before it
//! proved. All decoding happens in child processes (ffmpeg, ffprobe) which are limited, watched and stopped here.
//!
//! Invariants: a child is started from an argv vector, never a shell; the demuxer is forced to what `sniff` saw; no text
//! from a file reaches an option; all output names are ours; `manifest.json` is written last and only after the outputs
//! have been checked; a cancelled or dropped build leaves no process.
//! Deliberately not here: object stores, jobs and leases, signed URLs, captions (they need words, not media).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod analysis;
mod answer;
mod args;
mod build;
mod cancel;
mod container;
mod encoders;
mod error;
mod facts;
mod ladder;
mod launch;
mod manifest;
mod mp4;
mod playlist;
mod probe;
mod rate;
mod speech;
mod sprites;
mod steps;
mod supervise;
mod tools;
mod validate;
mod waveform;

pub use build::{build_fast, build_full};
pub use cancel::{Cancel, Observer, Silent};
pub use container::{Container, SNIFF_BYTES, sniff};
pub use encoders::{EncoderReport, best_encoder, probe_encoders};
pub use error::{Class, Fault, MediaError};
pub use facts::{AudioFacts, Kind, Probe, VideoFacts};
pub use ladder::{AudioPlan, CopyVerdict, Encoder, FastPlan, FullPlan, Profile, Rung, plan_fast, plan_full};
pub use manifest::{Built, Fallback, FileEntry, MANIFEST_SCHEMA, Manifest, Rendition, Source, Timing};
pub use probe::{ProbeLimits, probe};
pub use speech::{SPEECH_RATE, SpeechAudio, extract_speech_audio};
pub use tools::{Isolation, Tools};
