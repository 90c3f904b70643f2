#!/bin/sh
# Does: freezes a file system, so that the backup reads it as it stood at one moment. Whoever writes to it waits until
#       post-backup.sh has thawed it.
#       There are better ways, take one if you can: a snapshot (lvm-snapshot, btrfs-snapshot, the storage's own) holds
#       writers up for a moment and not for the length of a backup; a dump (postgres-dump, mariadb-dump) asks the
#       program that knows what consistent means.
# Needs: fsfreeze (util-linux or BusyBox); CAP_SYS_ADMIN (--cap-add SYS_ADMIN, or a privileged container); the file
#       system bind-mounted into the container.
#   FREEZE_PATH  mount point of the file system, as the container sees it
# Install as: pre-backup.sh, or pre-backup.50-freeze.sh beside others, always together with its post-backup.sh.
#       The file system must not be the one that Docker keeps containers on (/var/lib/docker): the container would stop
#       with it, and nothing in here can see that.
# Critical: yes (HOOK_ON_ERROR=Fail) if a backup that is not consistent is of no use to you.
set -eu

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}
: "${FREEZE_PATH:?set FREEZE_PATH}"
[ -d "$FREEZE_PATH" ] || fail "$FREEZE_PATH is not a folder"

# A freeze of what the backup itself writes to would stop the backup, and with it the thaw.
device=$(stat -c %d "$FREEZE_PATH")
repository=${RESTIC_REPOSITORY:-}
case $repository in
/*) ;;
*) repository=/ ;;
esac
for used in / "${LOG_DIR:-/var/log}" "${STATE_DIR:-/var/lib/boathook}" "${RUN_DIR:-/var/run}" "${TMPDIR:-/tmp}" \
    "${RESTIC_CACHE_DIR:-/.cache/restic}" "${METRICS_DIR:-/}" "$repository" "${HOOK_OUTPUT:-/}"; do
    [ -e "$used" ] || continue
    [ "$(stat -c %d "$used")" != "$device" ] ||
        fail "refusing to freeze $FREEZE_PATH: $used lies on the same file system, and the backup writes there"
done

# A limit or a stop may end this script in the middle of the freeze: nobody would thaw until the backup is over.
frozen=no
thaw() {
    [ "$frozen" = yes ] || fsfreeze --unfreeze "$FREEZE_PATH" 2>/dev/null || true
}
trap thaw EXIT
trap 'exit 143' TERM INT HUP

fsfreeze --freeze "$FREEZE_PATH"
frozen=yes
printf '%s\n' "froze $FREEZE_PATH"
