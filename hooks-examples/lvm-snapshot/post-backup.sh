#!/bin/sh
# Does: unmounts and removes the snapshot that pre-backup.sh took. It removes a snapshot of that volume only, and is
#       content if there is none: the hook may run twice, and without its pair ever having run.
# Needs: lvm2, umount; the rights of pre-backup.sh.
#   LVM_GROUP, LVM_VOLUME, LVM_MOUNT_POINT  as for pre-backup.sh
# Install as: post-backup.sh, or post-backup.40-lvm.sh beside others.
# Critical: no, but look at it: a snapshot that stays slows the volume down until it overflows.
set -eu

: "${LVM_GROUP:?set LVM_GROUP}" "${LVM_VOLUME:?set LVM_VOLUME}"
snapshot=${LVM_VOLUME}_boathook
mount_point=${LVM_MOUNT_POINT:-/mnt/lvm-snapshot}

# The list of the group, since a question about one volume has the same exit code for "no such volume" and for any
# trouble.
volumes=$(lvs --noheadings --separator = -o lv_name,origin "$LVM_GROUP")
origin=$(printf '%s\n' "$volumes" | awk -F = -v name="$snapshot" '{ gsub(/ /, "") } $1 == name { print $2 }')
if [ "$origin" != "$LVM_VOLUME" ]; then
    echo 'there is no snapshot to remove'
    exit 0
fi
! mountpoint -q "$mount_point" || umount "$mount_point"
lvremove --yes "$LVM_GROUP/$snapshot"
printf '%s\n' "removed the snapshot $LVM_GROUP/$snapshot"
