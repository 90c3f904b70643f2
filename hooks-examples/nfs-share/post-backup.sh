#!/bin/sh
# Does: unmounts the NFS share that pre-backup.sh mounted, and nothing that it did not mount: the hook may run twice, and
#       without its pair ever having run.
# Needs: umount; CAP_SYS_ADMIN.
#   NFS_STATE_FILE  the note of what was mounted
#                   (STATE_DIR/example-hooks/mounted-nfs-share, STATE_DIR being /var/lib/boathook)
# Install as: post-backup.sh, or post-backup.60-nfs.sh beside others, after all that reads the share.
# Critical: no. A share that stays mounted is used again by the next run.
set -eu

note=${NFS_STATE_FILE:-${STATE_DIR:-/var/lib/boathook}/example-hooks/mounted-nfs-share}
[ -s "$note" ] || exit 0
mount_point=$(cat "$note")

if mountpoint -q "$mount_point"; then
    # Lazily as a last resort: somebody still reads there, or the server is gone.
    umount "$mount_point" || umount -l "$mount_point"
    printf '%s\n' "unmounted $mount_point"
fi
rm -f -- "$note"
