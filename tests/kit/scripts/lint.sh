#!/usr/bin/env bash
# Formatting, clippy with warnings as errors, the architecture checks, and licences where cargo-deny is here.
. "$(dirname "$0")/lib.sh"
packages "${BUILD_PACKAGES[@]}"
need_toolchains
web
say "formatting"
cargo fmt --all --check
say "clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings
say "architecture"
cargo test --locked -p tests-tidy
if command -v cargo-deny >/dev/null; then
    say "licences and sources"
    cargo deny --offline check bans licenses sources
else
    say "cargo-deny is not here: licences and sources were not checked"
fi
