#!/bin/sh
# Does: prints one line before a backup, so that you see that your hooks folder is found. It changes nothing.
# Needs: nothing.
# Install as: pre-backup.sh; replace it by a hook of your own.
# Critical: no.
set -eu

printf '%s\n' "hello from the hook ${HOOK_NAME:-pre-backup}: the backup ${RUN_ID:-} starts"
echo 'hooks that do more are in the folders beside this one; README.md lists them'
