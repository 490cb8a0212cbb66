# Shared by the scripts beside it: one line of talk per act, Debian packages only when missing, stamps by content.
# To be sourced. Changes into the top folder of the checkout.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
TOP=$PWD
STATE=$TOP/.strongroom
TARGET=${CARGO_TARGET_DIR:-$TOP/target}
STAMPS=$STATE/stamps
mkdir -p "$STAMPS"

say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf '  remedy: %s\n' "$2" >&2
    exit 1
}

# quiet NAME COMMAND...: its output goes to .strongroom/logs/NAME.log, and is shown only when it fails.
quiet() {
    local name=$1
    shift
    mkdir -p "$STATE/logs"
    "$@" >"$STATE/logs/$name.log" 2>&1 && return
    tail -n 60 "$STATE/logs/$name.log" >&2
    die "$name failed; the end of its output stands above, all of it in .strongroom/logs/$name.log"
}

# retry COMMAND...: three tries, for what depends on a mirror.
retry() {
    local try
    for try in 1 2 3; do
        "$@" && return
        [ "$try" = 3 ] || sleep $((try * 5))
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "installing packages needs root" "become root or install sudo, then run the same command again"
    fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" </dev/null; }

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# packages NAME...: installs those Debian packages that are missing; says nothing when none is.
packages() {
    local name missing=()
    command -v dpkg-query >/dev/null || die "this is not a Debian system" "install by hand: $*"
    for name in "$@"; do
        is_installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing with apt: ${missing[*]}"
    quiet apt-update retry apt update
    quiet apt-install retry apt install --no-install-recommends "${missing[@]}"
}

# need_toolchains: rustup and Node 20 or later are the two things a person brings along.
need_toolchains() {
    command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
    command -v cargo >/dev/null || die "cargo is not here" "install Rust with rustup"
    command -v npm >/dev/null || die "npm is not here" "install Node 20 or later with its npm"
    local node
    node=$(node --version)
    node=${node#v}
    [ "${node%%.*}" -ge 20 ] || die "node is $node" "install Node 20 or later"
}

# digest_of PATH...: one digest over the names and bytes of all files below, without what is built or downloaded.
digest_of() {
    find "$@" \( -name node_modules -o -name dist -o -name __pycache__ \) -prune -o -type f -print0 \
        | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum | cut -d' ' -f1
}

# is_fresh NAME DIGEST: was NAME last made from just this?   made NAME DIGEST: remembers that it was.
is_fresh() { [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]; }
made() { printf '%s\n' "$2" >"$STAMPS/$1"; }

# What building and running take; the browser app and the tests add to it.
BUILD_PACKAGES=(ca-certificates cmake curl espeak-ng ffmpeg fonts-dejavu-core g++ git make pkg-config util-linux zstd)

# web: the browser app, built into appliance/web/dist, from where the server's build embeds it.
web() {
    local lock sources
    lock=$(sha256sum appliance/web/package.json appliance/web/package-lock.json | sha256sum | cut -d' ' -f1)
    if ! is_fresh web-packages "$lock" || [ ! -d appliance/web/node_modules ]; then
        say "installing the browser app's packages (npm ci)"
        quiet npm-ci retry npm --prefix appliance/web ci --no-audit --no-fund
        made web-packages "$lock"
    fi
    sources=$(digest_of appliance/web)
    if ! is_fresh web-build "$sources" || [ ! -f appliance/web/dist/index.html ]; then
        say "building the browser app"
        quiet web-build npm --prefix appliance/web run build
        made web-build "$sources"
    fi
}

# binaries: every executable of the workspace, in the one profile that running and testing share.
binaries() {
    say "building the executables (the first time takes some minutes)"
    if [ -t 2 ]; then
        cargo build --workspace --bins --locked
    else
        quiet cargo-build cargo build --workspace --bins --locked
    fi
}
