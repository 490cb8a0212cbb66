#!/usr/bin/env bash
# The executables a release is cut from: profile `dist`, into target/dist.
. "$(dirname "$0")/lib.sh"
packages "${BUILD_PACKAGES[@]}"
need_toolchains
web
say "building with the dist profile (optimised across crates; the first time takes long)"
cargo build --profile dist --locked -p appliance-server -p installer-cli -p bundler-cli --bins
ls -l "$TARGET"/dist/strongroom{,-installer,-bundler}
