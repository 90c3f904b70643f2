#!/bin/sh
# Does: fails if a file system that the backup writes to has too little space left: better no run with a clear reason
#       than one that ends in the middle with a full disk.
# Needs: df and awk (both are in the image).
#   FREE_SPACE_MIN_MIB  what must be free, in MiB (1024)
#   FREE_SPACE_PATHS    paths, separated by colons (restic's cache and TMPDIR; the repository too, if it is a local path)
# Install as: pre-backup.sh, or pre-backup.15-space.sh beside others.
# Critical: yes. Set HOOK_ON_ERROR=Fail; without it the backup runs anyway.
set -eu

minimum=${FREE_SPACE_MIN_MIB:-1024}
case $minimum in
'' | *[!0-9]*)
    echo 'FREE_SPACE_MIN_MIB must be a whole number' >&2
    exit 2
    ;;
esac
paths=${FREE_SPACE_PATHS:-}
if [ -z "$paths" ]; then
    paths=${RESTIC_CACHE_DIR:-/.cache/restic}:${TMPDIR:-/tmp}
    case ${RESTIC_REPOSITORY:-} in
    /*) paths=$paths:$RESTIC_REPOSITORY ;;
    esac
fi

short=no
set -f
IFS=:
for path in $paths; do
    [ -n "$path" ] || continue
    # What is not there yet will be made in the nearest folder that is.
    while [ ! -e "$path" ]; do path=$(dirname -- "$path"); done
    # By their shape and not by their place, since names of file systems and mount points may hold blanks.
    free=$(df -Pk -- "$path" | awk 'NR == 2 && match($0, /[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+%/) {
        split(substr($0, RSTART, RLENGTH), column, " +"); print int(column[3] / 1024) }')
    if [ -z "$free" ]; then
        printf '%s\n' "cannot tell how much space is free on $path" >&2
        short=yes
    elif [ "$free" -lt "$minimum" ]; then
        printf '%s\n' "only $free MiB free on $path, $minimum are needed" >&2
        short=yes
    else
        printf '%s\n' "$free MiB free on $path"
    fi
done
[ "$short" = no ] || exit 1
