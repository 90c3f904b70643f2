#!/bin/sh
# Does: removes the dump that pre-backup.sh has staged: it is in the repository now, or is made afresh next time. It
#       removes that file only, never the folder, and is content if there is none.
# Needs: nothing but write access to the staging folder.
#   MARIADB_DUMP_DIR  staging folder (/data/dumps/mariadb)
# Install as: post-backup.sh, or post-backup.51-mariadb.sh beside others.
# Critical: no. A dump that is left over takes space, and the next run replaces it.
set -eu

dir=${MARIADB_DUMP_DIR:-/data/dumps/mariadb}
rm -f -- "$dir/mariadb.sql" "$dir/.mariadb.partial"
printf '%s\n' "cleaned $dir"
