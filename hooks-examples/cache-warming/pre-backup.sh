#!/bin/sh
# Does: walks through the source once before the backup, so that the names, sizes and times that restic is about to ask for
#       are in memory: on network shares and slow disks restic then spends less time on files that have not changed.
# Needs: find and timeout (both are in the image).
#   CACHE_WARM_PATHS    paths, separated by colons (BACKUP_ROOT_DIR)
#   CACHE_WARM_SECONDS  give up after so many seconds for each path (300)
# Install as: pre-backup.sh, or pre-backup.70-warm.sh beside others, after what mounts the source.
# Critical: no. Measure with and without it: where it saves nothing, leave it out.
set -eu

paths=${CACHE_WARM_PATHS:-${BACKUP_ROOT_DIR:?set BACKUP_ROOT_DIR or CACHE_WARM_PATHS}}
set -f
IFS=:
for path in $paths; do
    [ -d "$path" ] || {
        printf '%s\n' "$path is not a folder" >&2
        exit 1
    }
    # -size makes find ask for every entry's inode, where names and types alone come from the folder.
    code=0
    timeout "${CACHE_WARM_SECONDS:-300}" find "$path" -xdev -size +0 >/dev/null || code=$?
    case $code in
    0) printf '%s\n' "warmed $path" ;;
    124 | 143) printf '%s\n' "gave up on $path after ${CACHE_WARM_SECONDS:-300} s" ;;
    # What cannot be read is for restic to report.
    *) printf '%s\n' "warmed $path, but for what could not be read" ;;
    esac
done
