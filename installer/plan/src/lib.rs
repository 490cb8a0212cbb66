//! Pure installer planner and state machine: verified release, observed host and journal in; plan, next state and
//! actions out.
//!
//! Invariants: no IO, no clock, no environment; a [`Plan`] can only be made from a verified release; [`advance`] is total
//! and can be resumed from every state it gave out. Deliberately not here: everything that touches a disk, a process or
//! a person (`strongroom-installer`).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod host;
mod journal;
mod machine;
mod plan;
mod refuse;
mod render;
mod slot;

pub use host::Observed;
pub use journal::{Floor, Journal, JournalError, MAX_BYTES as JOURNAL_MAX_BYTES, Record, SCHEMA as JOURNAL_SCHEMA};
pub use machine::{Act, Action, Event, Pending, REFETCHES, Standing, State, TRIES, Work, advance};
pub use plan::{BLOCK_BYTES, Change, Kind, MissingBlob, Plan, RESERVE_BYTES};
pub use refuse::Refusal;
pub use render::{grouped, human_bytes, render, steps};
pub use slot::{Installed, ReleaseRef, SchemaRange, SlotName};
