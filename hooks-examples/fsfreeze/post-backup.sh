#!/bin/sh
# Does: thaws the file system that pre-backup.sh froze. A file system that is not frozen is fine: the hook may run twice,
#       and without its pair ever having run. It writes to no file, since that could wait for the thaw.
# Needs: fsfreeze (util-linux or BusyBox); CAP_SYS_ADMIN; the file system bind-mounted into the container.
#   FREEZE_PATH  mount point of the file system, as for pre-backup.sh
# Install as: post-backup.sh, or post-backup.10-thaw.sh beside others, as the first of them.
# Critical: yes (HOOK_ON_ERROR=Fail): a file system that stays frozen must not look like a good night.
set -eu

: "${FREEZE_PATH:?set FREEZE_PATH}"

# In the C locale, since the message tells "was not frozen" (EINVAL) apart from a real failure.
if message=$(LC_ALL=C fsfreeze --unfreeze "$FREEZE_PATH" 2>&1); then
    printf '%s\n' "thawed $FREEZE_PATH"
    exit 0
fi
case $message in
*'Invalid argument'*) printf '%s\n' "$FREEZE_PATH was not frozen" ;;
*)
    printf '%s\n' "$message" "could not thaw $FREEZE_PATH; on the host: fsfreeze --unfreeze" >&2
    exit 1
    ;;
esac
