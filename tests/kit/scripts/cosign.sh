#!/usr/bin/env bash
# Unpacks Debian's cosign into .strongroom/tools/cosign and prints where it is.
#
# Debian 12 has no cosign, later releases do: this machine's own mirror is asked for their package, with lists and cache
# of our own, so nothing of the system changes. The archive's keys are those that the system trusts already.
. "$(dirname "$0")/lib.sh"

found=$(command -v cosign || true)
[ -z "$found" ] || { printf '%s\n' "$found"; exit; }
home=$STATE/tools/cosign
program=$home/usr/bin/cosign
[ ! -x "$program" ] || { printf '%s\n' "$program"; exit; }

keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keys" ] || die "the keys of the Debian archive are not here" "install the package debian-archive-keyring"
mirror=$(sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\/debian\)\/\{0,1\}$/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
[ -n "$mirror" ] || mirror=$(sed -n 's/^deb .*[[:space:]]\(http[^[:space:]]*\/debian\)\/\{0,1\}[[:space:]].*/\1/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | head -n 1)
[ -n "$mirror" ] || die "this machine's apt set-up names no Debian mirror" "put a cosign on the PATH by hand"

say "fetching cosign from a later Debian release (kept in .strongroom/tools)"
apt=$STATE/tools/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/download"
for suite in trixie sid; do
    printf 'deb [signed-by=%s] %s %s main\n' "$keys" "$mirror" "$suite"
done >"$apt/sources.list"
options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/nonexistent -o "Dir::State::lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User= -o Acquire::Retries=3 -o Acquire::Languages=none -o Debug::NoLocking=1)
quiet cosign-update retry apt-get "${options[@]}" update
rm -f "$apt"/download/*.deb
quiet cosign-download retry env -C "$apt/download" apt-get "${options[@]}" download cosign
quiet cosign-unpack dpkg -x "$apt"/download/cosign_*.deb "$home"
rm -rf "$apt"
quiet cosign-version "$program" version
printf '%s\n' "$program"
