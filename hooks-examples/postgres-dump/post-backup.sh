#!/bin/sh
# Does: removes the dumps that pre-backup.sh has staged: they are in the repository now, or are made afresh next time.
#       It removes those files only, never the folder, and is content if there are none.
# Needs: nothing but write access to the staging folder.
#   PG_DUMP_DIR  staging folder (/data/dumps/postgres)
# Install as: post-backup.sh, or post-backup.50-postgres.sh beside others.
# Critical: no. Dumps that are left over take space, and the next run replaces them.
set -eu

dir=${PG_DUMP_DIR:-/data/dumps/postgres}
rm -f -- "$dir"/*.pgdump "$dir"/globals.pgsql "$dir"/.*.partial
printf '%s\n' "cleaned $dir"
