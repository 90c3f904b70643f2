#!/bin/sh
# Does: stops containers that must not write while the backup reads, and notes which of them were running: post-backup.sh
#       starts those and no others.
# Needs: the docker command (not in the image: mount a static one or build on the image) and /var/run/docker.sock. Who has
#       the socket is root on the host.
#   CONTAINERS            names, separated by blanks, in the order in which they are stopped
#   CONTAINER_STOP_GRACE  seconds that each has to end by itself (30)
#   CONTAINER_STATE_FILE  the note; on a volume, so that it outlives this container
#                         (STATE_DIR/example-hooks/stopped-containers, STATE_DIR being /var/lib/boathook)
# Install as: pre-backup.sh, or pre-backup.40-stop.sh beside others, always together with its post-backup.sh.
# Critical: yes (HOOK_ON_ERROR=Fail) if a backup of a running program is of no use to you.
set -eu

: "${CONTAINERS:?set CONTAINERS}"
note=${CONTAINER_STATE_FILE:-${STATE_DIR:-/var/lib/boathook}/example-hooks/stopped-containers}
mkdir -p -- "$(dirname -- "$note")"

set -f
for name in $CONTAINERS; do
    running=$(docker inspect --format '{{.State.Running}}' "$name")
    if [ "$running" != true ]; then
        printf '%s\n' "$name does not run: left alone"
        continue
    fi
    # Noted before it is stopped: a crash in between costs a start of what runs, not a program that stays down. The note
    # is never emptied here, since it may hold what a run that crashed still owes.
    grep -qxF -- "$name" "$note" 2>/dev/null || printf '%s\n' "$name" >>"$note"
    docker stop -t "${CONTAINER_STOP_GRACE:-30}" "$name" >/dev/null
    printf '%s\n' "stopped $name"
done
