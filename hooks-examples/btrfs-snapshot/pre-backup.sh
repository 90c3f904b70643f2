#!/bin/sh
# Does: takes a read-only btrfs snapshot of a subvolume and points the backup at it (BACKUP_ROOT_DIR by HOOK_OUTPUT):
#       programs go on writing, and the backup reads the files as they stood at one moment.
# Needs: btrfs-progs; CAP_SYS_ADMIN; the file system bind-mounted into the container, writable.
#   BTRFS_SUBVOLUME  what to take a snapshot of (/data)
#   BTRFS_SNAPSHOT   where the snapshot goes, on the same file system; always the same place, or restic reads every
#                    file anew (BTRFS_SUBVOLUME/.boathook-snapshot)
# Install as: pre-backup.sh, or pre-backup.61-btrfs.sh beside others, always together with its post-backup.sh.
# Critical: yes (HOOK_ON_ERROR=Fail): without the snapshot the backup would read BACKUP_ROOT_DIR as it is set.
set -eu

: "${HOOK_OUTPUT:?is set by boathook}"
subvolume=${BTRFS_SUBVOLUME:-/data}
snapshot=${BTRFS_SNAPSHOT:-${subvolume%/}/.boathook-snapshot}

if [ -e "$snapshot" ]; then
    echo 'removing the snapshot that an earlier run has left'
    # Refuses what is no subvolume, unlike rm.
    btrfs subvolume delete "$snapshot"
fi
btrfs subvolume snapshot -r "$subvolume" "$snapshot"

# The last step: the backup is pointed only at what is really there.
printf 'BACKUP_ROOT_DIR=%s\n' "$snapshot" >>"$HOOK_OUTPUT"
printf '%s\n' "the backup reads $snapshot"
