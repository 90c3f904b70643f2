#!/bin/sh
# Does: starts the containers that pre-backup.sh stopped, the last one first. Nothing noted, nothing done: the hook may run
#       twice, and without its pair ever having run. What cannot be started stays noted for the next time.
# Needs: the docker command and /var/run/docker.sock, as for pre-backup.sh.
#   CONTAINER_STATE_FILE  the note (STATE_DIR/example-hooks/stopped-containers, STATE_DIR being /var/lib/boathook)
# Install as: post-backup.sh, or post-backup.20-start.sh beside others. With a snapshot, install it as a pre hook that
#       runs right after the snapshot as well: the programs are back before the backup starts.
# Critical: yes (HOOK_ON_ERROR=Fail): a program that stays down must not look like a good night.
set -eu

note=${CONTAINER_STATE_FILE:-${STATE_DIR:-/var/lib/boathook}/example-hooks/stopped-containers}
[ -s "$note" ] || exit 0

reversed=
while IFS= read -r name; do
    reversed="$name $reversed"
done <"$note"

set -f
left=
for name in $reversed; do
    if docker start "$name" >/dev/null; then
        printf '%s\n' "started $name"
    else
        printf '%s\n' "could not start $name" >&2
        left="$name $left"
    fi
done

if [ -z "$left" ]; then
    rm -f -- "$note"
    exit 0
fi
# shellcheck disable=SC2086 # one name a line again
printf '%s\n' $left >"$note.new"
mv -- "$note.new" "$note"
exit 1
