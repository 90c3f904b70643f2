#!/bin/sh
# Does: takes an LVM snapshot of a volume, mounts it read-only and points the backup at it (BACKUP_ROOT_DIR by
#       HOOK_OUTPUT): programs go on writing, and the backup reads the volume as it stood at one moment.
# Needs: lvm2, mount; a privileged container with the host's /dev; free space in the volume group.
#   LVM_GROUP, LVM_VOLUME  volume group and volume
#   LVM_SNAPSHOT_SIZE      room for what changes during the backup; a snapshot that overflows is lost (5G)
#   LVM_MOUNT_POINT        always the same one, or restic reads every file anew (/mnt/lvm-snapshot)
#   LVM_MOUNT_OPTIONS      (ro; XFS needs ro,nouuid)
#   LVM_SUBFOLDER          back up only this folder of the volume (all of it)
# Install as: pre-backup.sh, or pre-backup.60-lvm.sh beside others, always together with its post-backup.sh.
# Critical: yes (HOOK_ON_ERROR=Fail): without the snapshot the backup would read BACKUP_ROOT_DIR as it is set.
set -eu

: "${LVM_GROUP:?set LVM_GROUP}" "${LVM_VOLUME:?set LVM_VOLUME}" "${HOOK_OUTPUT:?is set by boathook}"
snapshot=${LVM_VOLUME}_boathook
mount_point=${LVM_MOUNT_POINT:-/mnt/lvm-snapshot}

# One name for all runs, so that what a crash left is found and does not fill up.
volumes=$(lvs --noheadings --separator = -o lv_name,origin "$LVM_GROUP")
origin=$(printf '%s\n' "$volumes" | awk -F = -v name="$snapshot" '{ gsub(/ /, "") } $1 == name { print $2 }')
if [ "$origin" = "$LVM_VOLUME" ]; then
    echo 'removing the snapshot that an earlier run has left'
    ! mountpoint -q "$mount_point" || umount "$mount_point"
    lvremove --yes "$LVM_GROUP/$snapshot"
fi

lvcreate --snapshot --size "${LVM_SNAPSHOT_SIZE:-5G}" --name "$snapshot" "$LVM_GROUP/$LVM_VOLUME"
mkdir -p -- "$mount_point"
mount -o "${LVM_MOUNT_OPTIONS:-ro}" "/dev/$LVM_GROUP/$snapshot" "$mount_point"

# The last step: the backup is pointed only at what is really there.
root=$mount_point${LVM_SUBFOLDER:+/$LVM_SUBFOLDER}
[ -d "$root" ] || {
    printf '%s\n' "the snapshot has no folder $root" >&2
    exit 1
}
printf 'BACKUP_ROOT_DIR=%s\n' "$root" >>"$HOOK_OUTPUT"
printf '%s\n' "the backup reads $root"
