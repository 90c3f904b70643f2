#!/bin/sh
# Does: removes the snapshot that pre-backup.sh took, and is content if there is none: the hook may run twice, and without
#       its pair ever having run.
# Needs: btrfs-progs; the rights of pre-backup.sh.
#   BTRFS_SUBVOLUME, BTRFS_SNAPSHOT  as for pre-backup.sh
# Install as: post-backup.sh, or post-backup.41-btrfs.sh beside others.
# Critical: no. The next run removes what is left; until then it holds the space of deleted files.
set -eu

subvolume=${BTRFS_SUBVOLUME:-/data}
snapshot=${BTRFS_SNAPSHOT:-${subvolume%/}/.boathook-snapshot}
if [ ! -e "$snapshot" ]; then
    echo 'there is no snapshot to remove'
    exit 0
fi
# Refuses what is no subvolume, unlike rm.
btrfs subvolume delete "$snapshot"
printf '%s\n' "removed the snapshot $snapshot"
