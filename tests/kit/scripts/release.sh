# Keys once, then a signed bundle of what was built, in .strongroom/media: the road that a real release goes, on one
# machine. Sourced by run.sh after lib.sh. Each cut has a higher version and sequence, so a changed build is an update.

release() {
    local bundler=$TARGET/debug/strongroom-bundler keys=$STATE/keys media=$STATE/media inputs sequence unit
    if [ ! -f "$keys/root.json" ]; then
        say "making a signing key and a trust root (.strongroom/keys)"
        rm -rf "$keys"
        quiet keys "$bundler" keys new --out "$keys" --name demo
        quiet trust-root "$bundler" keys root --threshold 1 --channel stable --key "$keys/demo.pub" --out "$keys/root.json"
    fi
    unit=$(find images installer -name strongroom.service -print -quit)
    inputs=$({
        sha256sum "$TARGET/debug/strongroom" "$TARGET/debug/strongroom-installer" "$keys/root.json" Cargo.lock "$unit"
        digest_of models/packs appliance/web/package-lock.json
        dpkg-query -W ffmpeg 'libav*' 2>/dev/null
    } | sha256sum | cut -d' ' -f1)
    if is_fresh release "$inputs" && [ -d "$media/UPDATE" ]; then
        return
    fi
    sequence=$(($(cat "$STATE/sequence" 2>/dev/null || echo 0) + 1))
    say "cutting and signing release 2026.4.$sequence (.strongroom/media)"
    rm -rf "$STATE/stage" "$media"
    mkdir -p "$media"
    quiet stage "$bundler" stage --bin "$TARGET/debug" --ffmpeg "$(command -v ffmpeg)" --models models/packs --systemd "$unit" \
        --lock Cargo.lock --npm-lock appliance/web/package-lock.json --out "$STATE/stage"
    quiet cut "$bundler" cut --stage "$STATE/stage" --version "2026.4.$sequence" --sequence "$sequence" --channel stable \
        --root "$keys/root.json" --level 1 --out "$media/UPDATE"
    quiet sign "$bundler" sign --bundle "$media/UPDATE" --key "$keys/demo.key.pem"
    quiet bundle-verify "$bundler" verify --bundle "$media/UPDATE" --root "$keys/root.json"
    rm -rf "$STATE/stage"
    printf '%s\n' "$sequence" >"$STATE/sequence"
    made release "$inputs"
}
