#!/bin/sh
# Does: gives restored files to the users that they are meant for, by a list of paths: ids often differ between the machine
#       that was backed up and the one that is restored to. Nothing outside the restore's target is touched.
# Needs: root, or CAP_CHOWN; realpath (in the image).
#   OWNER_LIST  file with lines PATH=UID:GID, applied from top to bottom with all below the path; `#` begins a comment.
#               Paths are relative to the target, or absolute and below it (/config/restore-owners.txt)
#   RESTORE_DIR the target if RUN_TARGET is not set (/restore)
# Install as: post-restore.sh, or post-restore.10-owner.sh beside others.
# Critical: yes (HOOK_ON_ERROR=Fail) if programs start on the restored files by themselves.
set -eu

code=${RUN_EXIT_CODE:-${1:-0}}
# A run that was called off ends with 0 as well.
if [ "$code" != 0 ] || [ "${RUN_STATUS:-}" = skipped ]; then
    printf '%s\n' "the restore ended with ${RUN_STATUS:-exit code} $code: owners stay as they are"
    exit 0
fi
if [ -n "${RUN_SUMMARY:-}" ] && grep -q '"dry_run": *"ON"' "$RUN_SUMMARY" 2>/dev/null; then
    echo 'a dry run: there is nothing to change'
    exit 0
fi

list=${OWNER_LIST:-/config/restore-owners.txt}
[ -r "$list" ] || {
    printf '%s\n' "cannot read $list" >&2
    exit 2
}
target=$(realpath "${RUN_TARGET:-${RESTORE_DIR:-/restore}}")

# Twice through the list: a mistake in its last line is found before the first owner is changed.
bad=0
for pass in look change; do
    while IFS= read -r line <&3 || [ -n "$line" ]; do
        case $line in
        '' | '#'*) continue ;;
        esac
        if ! printf '%s\n' "$line" | grep -Eq '^.+=[0-9]+:[0-9]+$'; then
            printf '%s\n' "not PATH=UID:GID: $line" >&2
            exit 2
        fi
        # At the last `=`, since a path may hold others.
        path=${line%=*}
        owner=${line##*=}
        case $path in
        /*) ;;
        *) path=$target/$path ;;
        esac
        if [ ! -e "$path" ]; then
            if [ "$pass" = change ]; then
                printf '%s\n' "was not restored: $path" >&2
                bad=1
            fi
            continue
        fi
        # Resolved, so that neither `..` nor a restored link leads out of the target.
        real=$(realpath "$path")
        case $real/ in
        "${target%/}"/*) ;;
        *)
            printf '%s\n' "not below $target: $line" >&2
            exit 2
            ;;
        esac
        if [ "$pass" = change ]; then
            # -h: a link itself, and not what it points at.
            chown -R -h "$owner" "$real"
            printf '%s\n' "$real now belongs to $owner"
        fi
    done 3<"$list"
done
exit "$bad"
