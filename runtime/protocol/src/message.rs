//! The messages. Times are milliseconds; audio is raw little-endian 32-bit float, 16 kHz, one channel.

use std::path::PathBuf;

use runtime_diag::Retry;
use serde::{Deserialize, Serialize};

/// Version of the conversation. Both sides are the same executable, so there is one.
pub const PROTOCOL: u32 = 1;
/// An engine sends a heartbeat at least this often.
pub const HEARTBEAT_MS: u64 = 1000;
/// The code of [`Event::Failed`] after [`Request::Cancel`].
pub const CANCELLED: &str = "cancelled";

/// What an engine may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Threads at most; 0 is taken as 1.
    pub threads: u32,
    /// Memory at most, in bytes. A model that needs more is refused before it is loaded.
    pub memory_bytes: u64,
}

/// Audio to be written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcribe {
    /// The weights.
    pub model_path: PathBuf,
    /// Raw audio.
    pub audio_path: PathBuf,
    /// Language tag; `None` lets a multilingual model find out.
    pub language: Option<String>,
    /// Time of the first sample; added to every time that comes back.
    pub offset_ms: u64,
    /// Threads, within the budget.
    pub threads: u32,
    /// Names and terms that are likely to be said. May be empty.
    pub vocabulary: Vec<String>,
}

/// From the appliance to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Always first.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// For the life of the process.
        budget: Budget,
    },
    /// One piece of work. Another one may follow when it has ended.
    Transcribe(Transcribe),
    /// Stop the running request as soon as possible. Without one, nothing happens.
    Cancel,
    /// Leave.
    Shutdown,
}

/// One word with its times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Start.
    pub start_ms: u64,
    /// End, not before the start.
    pub end_ms: u64,
    /// As written, without spaces round it.
    pub text: String,
    /// 0 to 1.
    pub confidence: f32,
}

/// A stretch of speech with its words, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Start.
    pub start_ms: u64,
    /// End.
    pub end_ms: u64,
    /// As written, without spaces round it; never empty.
    pub text: String,
    /// Its words.
    pub words: Vec<Word>,
}

/// What a request took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Length of the audio.
    pub audio_ms: u64,
    /// How much of it was taken for speech and decoded.
    pub decoded_ms: u64,
    /// Wall time from the request to its end, the loading of the model included.
    pub wall_ms: u64,
    /// How much of that went into loading the model.
    pub load_ms: u64,
    /// Segments sent.
    pub segments: u32,
    /// Segments withheld because they repeated themselves or covered silence.
    pub dropped: u32,
    /// The language that was used or found.
    pub language: String,
}

/// Why a request did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Stable, dotted; [`CANCELLED`] after a cancel.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do now.
    pub remedy: String,
    /// Whether the same request may work later.
    pub retry: Retry,
    /// The input (audio, model, language) is at fault, not the engine.
    pub input: bool,
}

/// From the engine to the appliance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// Answer to hello.
    Ready {
        /// Name of the engine.
        engine: String,
        /// Its version.
        version: String,
    },
    /// The model is in memory.
    Loaded,
    /// How far the running request is.
    Progress {
        /// Audio behind.
        done_ms: u64,
        /// Audio in all.
        total_ms: u64,
    },
    /// The next stretch of speech.
    Segment(Segment),
    /// The request is done.
    Done(Usage),
    /// The request is not done.
    Failed(Failure),
    /// The process lives.
    Heartbeat,
}
