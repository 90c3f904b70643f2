#!/bin/sh
# Does: after a check that found the repository sound, reads files back from it and compares them with a list of SHA-256
#       sums that you have made from the originals; and, or instead, runs a program of your own.
# Needs: restic and sha256sum (both are in the image); room for the largest file of the list in TMPDIR.
#   INTEGRITY_LIST      lines as sha256sum prints them, with the absolute path that the file has in the snapshot
#   INTEGRITY_SNAPSHOT  (latest)
#   INTEGRITY_HOST      only snapshots of this host (any)
#   RESTIC_TAG          only snapshots with this tag, as the backup sets it (any)
#   INTEGRITY_COMMAND   path of a program; gets the snapshot as its argument, exit code 0 is good (none)
# Install as: post-check.sh, or post-check.10-integrity.sh beside others; works as post-backup.sh too, where it costs the
#       download after every backup.
# Critical: yes (HOOK_ON_ERROR=Fail): a file that comes back wrong is what you want to be woken for.
set -eu
umask 077

code=${RUN_EXIT_CODE:-${1:-0}}
# A run that was called off ends with 0 as well.
if [ "$code" != 0 ] || [ "${RUN_STATUS:-}" = skipped ]; then
    printf '%s\n' "the run ended with ${RUN_STATUS:-exit code} $code: nothing to verify"
    exit 0
fi
if [ -z "${INTEGRITY_LIST:-}${INTEGRITY_COMMAND:-}" ]; then
    echo 'set INTEGRITY_LIST or INTEGRITY_COMMAND' >&2
    exit 2
fi
snapshot=${INTEGRITY_SNAPSHOT:-latest}

bad=0
if [ -n "${INTEGRITY_LIST:-}" ]; then
    [ -r "$INTEGRITY_LIST" ] || {
        printf '%s\n' "cannot read $INTEGRITY_LIST" >&2
        exit 2
    }
    work=$(mktemp -d "${TMPDIR:-/tmp}/integrity.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    trap 'exit 143' TERM INT HUP

    checked=0
    # The list is on descriptor 3, so that nothing in the loop can read from it by accident.
    while read -r wanted path <&3 || [ -n "$wanted" ]; do
        case $wanted in
        '' | '#'*) continue ;;
        esac
        path=${path#\*}
        checked=$((checked + 1))
        # By way of a file, since of a pipe only the last exit code counts.
        if ! restic dump ${INTEGRITY_HOST:+--host "$INTEGRITY_HOST"} ${RESTIC_TAG:+--tag "$RESTIC_TAG"} \
            "$snapshot" "$path" >"$work/file" </dev/null; then
            printf '%s\n' "cannot be read back: $path" >&2
            bad=$((bad + 1))
            continue
        fi
        sum=$(sha256sum <"$work/file")
        if [ "${sum%% *}" != "$(printf '%s' "$wanted" | tr A-F a-f)" ]; then
            printf '%s\n' "differs: $path" >&2
            bad=$((bad + 1))
        fi
    done 3<"$INTEGRITY_LIST"
    if [ "$checked" -eq 0 ]; then
        printf '%s\n' "$INTEGRITY_LIST names no file: nothing was verified" >&2
        exit 1
    fi
    printf '%s\n' "$checked files read back, $bad bad"
fi

if [ -n "${INTEGRITY_COMMAND:-}" ]; then
    "$INTEGRITY_COMMAND" "$snapshot" </dev/null || {
        printf '%s\n' "$INTEGRITY_COMMAND found something" >&2
        bad=$((bad + 1))
    }
fi
[ "$bad" -eq 0 ] || exit 1
