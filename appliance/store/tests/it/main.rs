//! What each port promises, held against the real adapters in a folder of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod assets;
mod jobs;
mod objects;
mod projects;
mod queue;
mod rate_limit;
mod staging;
mod store;
mod support;
mod transcripts;
mod uploads;
