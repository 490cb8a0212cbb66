#!/usr/bin/env bash
# Side by side with the plain tools; arguments go to the benchmark (`--runs 9`). Close other programs first.
. "$(dirname "$0")/lib.sh"
packages "${BUILD_PACKAGES[@]}"
need_toolchains
web
say "building (release profile: it is speed that is measured)"
quiet bench-build cargo build --release --locked -p bundler-cli -p installer-cli -p tests-bench --bins
"$TARGET/release/bench" "$@"
