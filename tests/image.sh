#!/bin/sh
# The image for tests: `boathook:test`, with the debug binary, on a base image that is pulled or, where no registry can be
# reached, made with debootstrap.
#
#   tests/image.sh engine      installs and starts Docker where that can be done
#   tests/image.sh base        makes the base image if it is not there
#   tests/image.sh build       builds the image; the binary must have been built before
set -eu

base=debian:trixie-slim
tag=boathook:test

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

say() { printf '%s\n' "image: $*" >&2; }

answers() { timeout 10 docker version >/dev/null 2>&1; }

# Packages by their names in Debian; elsewhere Docker has to be there.
install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    say "installing $*"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# An engine that answers. Fails where none can be had: no rights, no cgroups, another system.
engine() {
    missing=""
    for tool in docker docker-compose; do
        command -v "$tool" >/dev/null 2>&1 || missing=yes
    done
    if ! command -v docker >/dev/null 2>&1; then
        # docker-cli is a package of its own from Debian 13 on, and a part of docker.io before.
        install docker.io docker-cli docker-compose || install docker.io docker-compose ||
            { say "Docker cannot be installed here"; return 1; }
    elif [ -n "$missing" ] && ! docker compose version >/dev/null 2>&1; then
        install docker-compose || say "Compose cannot be installed here"
    fi
    if answers; then return; fi
    command -v dockerd >/dev/null 2>&1 || { say "no engine answers, and there is no dockerd to start"; return 1; }
    say "starting dockerd"
    log=$(mktemp "${TMPDIR:-/tmp}/boathook-dockerd.XXXXXX")
    # In a session of its own: it outlives this script, and a Ctrl-C at `make`.
    as_root setsid dockerd >"$log" 2>&1 </dev/null &
    tries=0
    until answers; do
        tries=$((tries + 1))
        if [ "$tries" -gt 60 ]; then
            say "dockerd does not answer:"
            tail -5 "$log" >&2
            return 1
        fi
        sleep 0.5
    done
}

# Debian's mirror as this machine has it: in closed networks there is no other.
mirror() {
    found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        sed -n -e 's/^deb .*\(https*:[^ ]*debian\/*\) .*/\1/p' -e 's/^URIs: *\(https*:[^ ]*debian\/*\).*/\1/p' | sed -n 1p)
    printf '%s\n' "${found:-http://deb.debian.org/debian}"
}

# The base image, as its official build is: minimal, and without documentation and translations.
base() {
    if docker image inspect "$base" >/dev/null 2>&1; then return; fi
    if timeout 120 docker pull -q "$base" >/dev/null 2>&1; then return; fi
    say "no registry answers: making $base with debootstrap"
    command -v debootstrap >/dev/null 2>&1 || install debootstrap || { say "debootstrap cannot be had"; return 1; }
    work=$(mktemp -d)
    if ! as_root debootstrap --variant=minbase trixie "$work/root" "$(mirror)" >"$work/log" 2>&1; then
        say "debootstrap has failed:"
        tail -5 "$work/log" >&2
        as_root rm -rf "$work"
        return 1
    fi
    as_root tar -C "$work/root" -c --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/lib/apt/lists/*' \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' . |
        docker import --change 'CMD ["bash"]' - "$base" >/dev/null
    as_root rm -rf "$work"
}

build() {
    base
    # Debug information is most of a debug binary, and all of the context is sent to the engine.
    mkdir -p target/image
    strip -o target/image/boathook.new target/debug/boathook
    if cmp -s target/image/boathook.new target/image/boathook; then
        rm target/image/boathook.new
    else
        mv target/image/boathook.new target/image/boathook
    fi
    log=$(mktemp "${TMPDIR:-/tmp}/boathook-build.XXXXXX")
    if ! docker build --force-rm --target prebuilt --build-arg BINARY=target/image/boathook --build-arg \
        RESTIC_BACKUP_HELPER_RELEASE=test -t "$tag" . >"$log" 2>&1; then
        say "the image cannot be built:"
        tail -20 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

case "${1:-}" in
    engine | base | build) "$1" ;;
    *) echo "usage: tests/image.sh engine|base|build" >&2; exit 2 ;;
esac
