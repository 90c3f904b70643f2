#!/bin/sh
# Installs what a make target needs and is not there yet, through the system's package manager.
set -eu

case "${1:-}" in
    demo) wanted="restic jq" ;;
    test) wanted="restic rclone jq curl python3 shellcheck zstd" ;;
    bench) wanted="restic strace" ;;
    lint) wanted="shellcheck" ;;
    fuzz) wanted="" ;;
    # The hooks of its scenes use flock.
    torture) wanted="" ;;
    *) echo "usage: tests/install.sh demo|test|bench|lint|fuzz|torture" >&2; exit 2 ;;
esac

missing=""
for tool in $wanted; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
# Snapshots are mounted with it; on systems other than Linux there is none.
if [ "$1" = test ] && [ "$(uname)" = Linux ]; then
    command -v fusermount >/dev/null 2>&1 || missing="$missing fuse3"
fi
case "$1" in
    test | torture) command -v flock >/dev/null 2>&1 || missing="$missing util-linux" ;;
esac
# The crates that hold C code (the TLS of webhook and mail) are compiled with it.
command -v cc >/dev/null 2>&1 || missing="$missing gcc"
# libFuzzer is C++.
if [ "$1" = fuzz ] && ! command -v c++ >/dev/null 2>&1; then
    if command -v dnf >/dev/null 2>&1 || command -v zypper >/dev/null 2>&1; then
        missing="$missing gcc-c++"
    elif command -v pacman >/dev/null 2>&1; then
        missing="$missing gcc"
    else
        missing="$missing g++"
    fi
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

if [ -n "$missing" ]; then
    echo "Installing:$missing"
    # The names are words of a list.
    # shellcheck disable=SC2086
    if command -v apt-get >/dev/null 2>&1; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    elif command -v dnf >/dev/null 2>&1; then
        as_root dnf install -y -q $missing
    elif command -v zypper >/dev/null 2>&1; then
        as_root zypper --quiet install -y $missing
    elif command -v pacman >/dev/null 2>&1; then
        as_root pacman -Sy --noconfirm --needed $missing
    elif command -v apk >/dev/null 2>&1; then
        as_root apk add --quiet $missing
    elif command -v brew >/dev/null 2>&1; then
        brew install $missing
    else
        echo "No package manager that is known here. Install these by hand:$missing" >&2
        exit 1
    fi
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "cargo is missing: install the Rust toolchain (https://rustup.rs), then run this again" >&2
    exit 1
fi
if [ "$1" = test ] && ! cargo nextest --version >/dev/null 2>&1; then
    echo "Installing cargo-nextest (once; a few minutes)"
    cargo install --locked --quiet cargo-nextest
fi

# Tests meet two generations of restic: the one that is installed, and a newer one with exit codes of its own (0.17 and
# later). Where the installed one is older, Debian's next release lends its package; it is unpacked, not installed.
newer_restic() {
    to=target/restic-new
    if [ -x "$to/restic" ]; then return; fi
    minor=$(restic version | sed -n 's/^restic 0\.\([0-9]*\)\..*/\1/p')
    mkdir -p "$to"
    if [ "${minor:-0}" -ge 17 ]; then
        ln -sf "$(command -v restic)" "$to/restic"
        return
    fi
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        sed -n -e 's/^deb .*\(https*:[^ ]*debian\/*\) .*/\1/p' -e 's/^URIs: *\(https*:[^ ]*debian\/*\).*/\1/p' | sed -n 1p)
    if [ -z "$mirror" ] || ! command -v dpkg-deb >/dev/null 2>&1; then return; fi
    work=$(mktemp -d)
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > "$work/sources.list"
    # The user that apt drops to must be able to write here.
    chmod -R a+rwX "$work"
    apt() {
        apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
            -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" "$@"
    }
    if (cd "$work" && apt update && apt download restic) >"$work/log" 2>&1; then
        dpkg-deb -x "$work"/restic_*.deb "$work/tree" && mv "$work/tree/usr/bin/restic" "$to/restic"
    else
        echo "A newer restic could not be had; the tests that need it will say 'skipped'." >&2
        sed 's/^/  /' "$work/log" >&2
    fi
    rm -rf "$work"
}
if [ "$1" = test ]; then newer_restic; fi

# The schedule is held against other libraries that read cron expressions, and measured beside them. They live in a folder of
# their own, with the time zones of the release that the program has.
oracle() {
    to=target/oracle
    packages="croniter==7.0.0 cronsim==2.8 tzdata==2025.2"
    if [ "$(cat "$to/packages" 2>/dev/null)" = "$packages" ]; then return; fi
    command -v python3 >/dev/null 2>&1 || { echo "No python3: what needs it will say 'skipped'." >&2; return; }
    # Debian has the parts that make such a folder in a package of its own.
    if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
        echo "Installing: python3-venv"
        as_root apt-get update -qq || true
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null || true
    fi
    rm -rf "$to"
    # The names are words of a list.
    # shellcheck disable=SC2086
    if log=$( (python3 -m venv "$to" && "$to/bin/pip" --disable-pip-version-check install --quiet $packages) 2>&1); then
        echo "$packages" > "$to/packages"
    else
        rm -rf "$to"
        echo "croniter and cronsim could not be had; what needs them will say 'skipped'." >&2
        echo "$log" | sed 's/^/  /' >&2
    fi
}
case "$1" in test | bench) oracle ;; esac
