//! Messages between the appliance and its engine processes, and the frames they travel in.
//!
//! The appliance starts an engine as a child process and writes [`Request`]s to its standard input; the engine writes
//! [`Event`]s to its standard output, and nothing else ever. One frame is a length (32 bits, little-endian, 1 to
//! [`FRAME_MAX`]) and that many bytes of JSON.
//!
//! Conversation: `Hello` → `Ready`; then any number of `Transcribe` → `Loaded` (when the model is in memory), `Progress`
//! and `Segment` in order of time, and exactly one `Done` or `Failed`; `Heartbeat` at any time after `Ready`, at least
//! every [`HEARTBEAT_MS`]; `Cancel` ends the running request with `Failed{code: "cancelled"}`; `Shutdown` or the end of the
//! stream ends the process.
//!
//! Invariants: sans-IO; a decoder never holds more than one frame and what was pushed; unknown messages are errors, both
//! sides being the same executable. Deliberately not here: processes, timers.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod frame;
mod message;

pub use frame::{FRAME_MAX, FrameDecoder, FrameError, decode, encode};
pub use message::{
    Budget, CANCELLED, Event, Failure, HEARTBEAT_MS, PROTOCOL, Request, Segment, Transcribe, Usage, Word,
};
