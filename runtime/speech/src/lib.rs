//! The speech engine: sound in, words with times out, through whisper.cpp.
//!
//! [`serve`] is the whole life of the engine process (`strongroom engine speech`): it reads requests from standard input and
//! writes events to standard output. What it does with sound, in order: the loudness of the whole file ([`audio`]), the
//! stretches that may be speech ([`activity`]), windows of at most 28 s packed from those ([`window`]), each decoded alone
//! (`whisper`), words found again in the sound ([`align`]), loops and words over silence withheld ([`guard`]).
//!
//! Invariants: standard output carries frames only; at most one window (28 s) of samples is in memory; weights pass
//! `models::ggml` before C++ opens them; silence gives no words. A decode that runs cannot be stopped from inside without
//! unsafe code, so a cancel takes effect between windows, and the parent kills what does not listen.
//! Deliberately not here: processes, sandboxing, retries (all `runtime-worker`); a log subscriber (the executable sets one
//! that writes to standard error).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod activity;
pub mod align;
pub mod audio;
mod error;
pub mod guard;
mod serve;
mod transcribe;
mod whisper;
pub mod window;
mod words;

pub use error::SpeechError;
pub use serve::serve;

/// Samples per second of everything here.
pub const RATE: usize = 16_000;
/// Samples per frame of the loudness envelope (10 ms).
pub const FRAME: usize = 160;
/// Milliseconds per frame.
pub const FRAME_MS: u64 = 10;
