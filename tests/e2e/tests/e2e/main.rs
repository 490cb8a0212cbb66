//! The product from outside: bundles on a medium, an installed appliance, a browser.
//!
//! One test binary; tests that keep the whole machine busy come one after the other (`setup::alone`). Real parts are found by
//! `tests_kit::parts`; everything else is built here. `STRONGROOM_KILLS=50` cuts the power fifty times in place of six,
//! `STRONGROOM_SEED` repeats a random run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bundle;
mod damage;
mod edge;
mod journey;
mod permissions;
mod playable;
mod power;
mod refusals;
mod setup;
mod update;
