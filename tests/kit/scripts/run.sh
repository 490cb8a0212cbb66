#!/usr/bin/env bash
# From nothing to a running appliance with sample clips; a second time only what changed is done again.
. "$(dirname "$0")/lib.sh"
. tests/kit/scripts/release.sh
LISTEN=${STRONGROOM_LISTEN:-127.0.0.1:8443}
ROOT=$STATE/root

# One at a time: two would cut, install and serve the same folders. Held by whatever still runs, so it cannot go stale.
exec 9>"$STATE/lock"
flock -n 9 || die "Strongroom runs from this checkout already" "stop the other \`make run\` with Ctrl-C first"
packages "${BUILD_PACKAGES[@]}"
need_toolchains
web
binaries
release

installer=$TARGET/debug/strongroom-installer
release_id=$(cat "$STAMPS/release")
if ! is_fresh installed "$release_id" || [ ! -x "$ROOT/opt/strongroom/current/bin/strongroom" ]; then
    say "verifying the bundle and installing it (.strongroom/root)"
    quiet verify "$installer" verify --from "$STATE/media" --trust "$STATE/keys/root.json"
    quiet apply "$installer" apply --from "$STATE/media" --root "$ROOT" --trust "$STATE/keys/root.json" --yes
    made installed "$release_id"
fi

clips=$(digest_of tests/kit/clips)
if ! is_fresh clips "$clips" || [ ! -d "$STATE/clips" ]; then
    say "making the sample clips"
    rm -rf "$STATE/clips"
    quiet clips tests/kit/clips/make-clips.sh "$STATE/clips"
    made clips "$clips"
fi

say "starting on https://$LISTEN"
mkdir -p "$STATE/logs"
# In a terminal the appliance gets Ctrl-C alone: it stops in order and this ends with its exit code, not make with a signal.
[ ! -t 0 ] || set -m
setpriv --pdeathsig TERM -- "$TARGET/debug/strongroom-sample" \
    --root "$ROOT" --listen "$LISTEN" --clips "$STATE/clips" --state "$STATE"
