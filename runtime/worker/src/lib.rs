//! Leases jobs and runs them; starts engines as child processes, meters them and stops them.
//!
//! [`Worker`] is the loop between the queue and the application's `JobRunner`. [`SpeechEngines`] implements the
//! application's speech port with child processes of the appliance's own executable (`strongroom engine speech`), which
//! speak `runtime-protocol`.
//!
//! Invariants: a job's end is written once, by the holder of its lease; a lost lease ends the run at once; an engine that
//! crashes, hangs or eats memory ends one attempt of one job and never the appliance; no process of an engine's group
//! outlives its handle. Deliberately not here: what jobs do (`appliance-app`), ffmpeg (`runtime-media`).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod child;
mod fault;
mod launch;
mod lease;
mod pack;
mod speech;
mod worker;

pub use child::{EngineLimits, SpeechChild};
pub use fault::EngineFault;
pub use launch::{EngineCommand, Launcher};
pub use pack::{PackError, SpeechPack};
pub use speech::{SpeechEngines, SpeechSettings};
pub use worker::{Lanes, Pace, Worker};
