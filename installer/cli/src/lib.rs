//! strongroom-installer, as a library: the executable is a few lines, and tests end the world after any file operation.
//!
//! Invariants: signatures are checked before anything else is parsed; only verified bytes reach the disk; nothing that
//! runs is touched before the switch, which is one rename; from every crash the way leads to the old or the new release.
//! Deliberately not here: decisions (`installer-plan`), the format of bundles (`bundler-format`), any network client.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod args;
pub mod commands;
pub mod engine;
pub mod error;
pub mod host_fs;
pub mod journal_store;
pub mod layout;
pub mod lock;
pub mod medium;
pub mod observe;
pub mod service;
pub mod slots;
pub mod staging;
pub mod status;
pub mod stop;
pub mod teller;
pub mod trust;
