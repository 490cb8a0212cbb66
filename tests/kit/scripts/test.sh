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

say "tests of the Rust crates"
cargo test --workspace --exclude tests-e2e --locked --no-fail-fast --quiet
say "tests of the browser app"
npm --prefix appliance/web run --silent typecheck
npm --prefix appliance/web test --silent
say "end to end, in a real browser"
cargo test -p tests-e2e --locked -- --nocapture --test-threads=1
say "all tests passed"
