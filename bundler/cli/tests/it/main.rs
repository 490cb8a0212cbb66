//! The real executable, driven from outside: bundles that are right, wrong in one place, checked by stock tools, staged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bundle;
mod cosign;
mod flips;
mod stage;
mod support;
