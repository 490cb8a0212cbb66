#!/usr/bin/env bash
# Every test: installs what is missing, builds once, then formatting, Rust, the browser app, and end to end.
. "$(dirname "$0")/lib.sh"
packages "${BUILD_PACKAGES[@]}" chromium
need_toolchains
STRONGROOM_COSIGN=$("$TOP/tests/kit/scripts/cosign.sh")
export STRONGROOM_COSIGN

web
say "formatting"
cargo fmt --all --check || die "the Rust sources are not formatted" "run cargo fmt --all"
binaries

say "tests of the browser app"
npm --prefix appliance/web run --silent typecheck
npm --prefix appliance/web test --silent
# One selection of packages for building and testing: another one would mean other features, and all of it once more.
say "tests of the Rust crates, then end to end in a real browser (the first time compiles some minutes)"
cargo test --workspace --locked --no-fail-fast ${CI:+--quiet}
say "all tests passed"
