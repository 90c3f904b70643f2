#!/bin/sh
# Does: dumps MariaDB (or MySQL) databases into a staging folder that the backup then takes along. The dump gets its name
#       when it is complete, to its last line; any failure fails the hook.
# Needs: mariadb-dump or mysqldump; the network to the server.
#   MARIADB_DEFAULTS_FILE  option file with a section [client]: host, user, password; mode 0600
#   MARIADB_DUMP_DIR       staging folder, below BACKUP_ROOT_DIR; it belongs to this hook (/data/dumps/mariadb)
#   MARIADB_DATABASES      names, separated by blanks (all)
#   MARIADB_DUMP           the program (mariadb-dump)
# Install as: pre-backup.sh, or pre-backup.31-mariadb.sh beside others, together with its post-backup.sh.
# Critical: yes (HOOK_ON_ERROR=Fail): a backup without the database is not the backup that you want.
set -eu
umask 077

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}
dir=${MARIADB_DUMP_DIR:-/data/dumps/mariadb}
: "${MARIADB_DEFAULTS_FILE:?set MARIADB_DEFAULTS_FILE}"
[ -r "$MARIADB_DEFAULTS_FILE" ] || fail "cannot read MARIADB_DEFAULTS_FILE $MARIADB_DEFAULTS_FILE"

partial=$dir/.mariadb.partial
trap 'rm -f -- "$partial"' EXIT
trap 'exit 143' TERM INT HUP

mkdir -p -- "$dir"
# What a run that crashed has left must not pass for today's dump.
rm -f -- "$dir/mariadb.sql" "$partial"

set -f
# shellcheck disable=SC2086 # names are separated by blanks
set -- ${MARIADB_DATABASES:-}
set +f
if [ "$#" -eq 0 ]; then
    set -- --all-databases
else
    set -- --databases "$@"
fi

# The option file must be the first argument, or the program does not take it. Not compressed, or restic finds nothing
# that it already has.
"${MARIADB_DUMP:-mariadb-dump}" --defaults-extra-file="$MARIADB_DEFAULTS_FILE" --single-transaction --quick \
    --routines --events --triggers --hex-blob --result-file="$partial" "$@"

# A connection that breaks at the wrong moment leaves a file that looks fine but for its end.
tail -n 5 "$partial" | grep -q '^-- Dump completed' || fail 'the dump has no end: it is not complete'
mv -- "$partial" "$dir/mariadb.sql"
printf '%s\n' "dumped $dir/mariadb.sql"
