#!/bin/sh
# Does: calls the run off, without any alarm, while a removable disk is not plugged in. It looks for a file on the disk:
#       the folder is there without the disk too, and in a container it is a mount point without it as well.
# Needs: nothing. The disk's mount point in the container, with propagation (rslave), so that a disk that comes later
#       is seen.
#   DISK_PATH    where the disk is mounted (/mnt/backup-disk)
#   DISK_MARKER  name of a file that you have put there once: touch /mnt/backup-disk/.boathook-disk (.boathook-disk)
# Install as: pre-backup.sh, or pre-backup.10-disk.sh beside others; works as pre-check.sh etc. too.
# Critical: it may be skipped on: set HOOK_SKIP_ON=75. Exit code 75 then ends the run with status skipped and exit code 0; without the setting the backup runs, into an empty folder.
#       HOOK_ON_ERROR=Fail beside it fails the run when the disk is there and cannot be read.
set -eu

disk=${DISK_PATH:-/mnt/backup-disk}
marker=$disk/${DISK_MARKER:-.boathook-disk}
if [ -e "$marker" ]; then
    printf '%s\n' "the disk is there: $disk"
    exit 0
fi
# A disk that is plugged in and cannot be read is no reason to keep quiet.
if [ -e "$disk" ] && ! ls "$disk" >/dev/null; then
    printf '%s\n' "$disk cannot be read" >&2
    exit 1
fi
# The last line becomes the reason in the summary.
printf '%s\n' "the disk is not plugged in: there is no $marker"
exit 75
