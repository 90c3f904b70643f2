#!/bin/sh
# Does: mounts an NFS share for the length of the run. One that is mounted already is left as it is, also afterwards.
# Needs: mount with NFS support (nfs-utils); CAP_SYS_ADMIN; the network to the server.
#   NFS_SHARE        server:/path
#   NFS_MOUNT_POINT  (/mnt/nfs-share)
#   NFS_OPTIONS      (ro,soft,timeo=100,retrans=3: a server that is gone gives errors, where `hard` would wait for ever)
#   NFS_STATE_FILE   the note of what was mounted here
#                    (STATE_DIR/example-hooks/mounted-nfs-share, STATE_DIR being /var/lib/boathook)
# Install as: pre-backup.sh, or pre-backup.20-nfs.sh beside others, together with its post-backup.sh.
# Critical: yes (HOOK_ON_ERROR=Fail): without the share the backup would be one of an empty folder.
set -eu

: "${NFS_SHARE:?set NFS_SHARE}"
mount_point=${NFS_MOUNT_POINT:-/mnt/nfs-share}
note=${NFS_STATE_FILE:-${STATE_DIR:-/var/lib/boathook}/example-hooks/mounted-nfs-share}

mkdir -p -- "$mount_point" "$(dirname -- "$note")"
if mountpoint -q "$mount_point"; then
    printf '%s\n' "$mount_point is mounted already"
    exit 0
fi
# Noted first: a crash in between costs a look at a folder, not a mount that stays.
printf '%s\n' "$mount_point" >"$note"
mount -t nfs -o "${NFS_OPTIONS:-ro,soft,timeo=100,retrans=3}" "$NFS_SHARE" "$mount_point"
printf '%s\n' "mounted $NFS_SHARE on $mount_point"
