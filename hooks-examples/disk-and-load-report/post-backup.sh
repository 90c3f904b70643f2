#!/bin/sh
# Does: prints load, memory and the use of disks into the run's log: the first things that one wants to know of a run that
#       was slow.
# Needs: df (in the image), /proc.
#   REPORT_PATHS  paths, separated by colons (BACKUP_ROOT_DIR, restic's cache and TMPDIR)
# Install as: post-backup.sh, or post-backup.70-report.sh beside others; works as pre-backup.sh and for other workers too.
# Critical: no. It fails for nothing.
set -eu

printf '%s\n' "load (1, 5, 15 minutes; running/all): $(cut -d ' ' -f 1-4 /proc/loadavg 2>/dev/null || echo unknown)"
awk '/^(MemTotal|MemAvailable|SwapTotal|SwapFree):/ { printf "%s %d MiB\n", $1, $2 / 1024 }' /proc/meminfo 2>/dev/null ||
    echo 'memory: unknown'

set -f
IFS=:
for path in ${REPORT_PATHS:-${BACKUP_ROOT_DIR:-}:${RESTIC_CACHE_DIR:-/.cache/restic}:${TMPDIR:-/tmp}}; do
    [ -n "$path" ] || continue
    # A share whose server is gone would hold df up for ever.
    usage=$(timeout 10 df -Pk -- "$path" 2>/dev/null) || {
        printf '%s\n' "$path: cannot be looked at"
        continue
    }
    printf '%s\n' "$path: $(printf '%s\n' "$usage" | awk 'NR == 2 && match($0, /[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+%/) {
        split(substr($0, RSTART, RLENGTH), column, " +")
        printf "%d of %d MiB used, %d free (%s)", column[2] / 1024, column[1] / 1024, column[3] / 1024, column[4] }')"
done
