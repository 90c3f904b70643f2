#!/bin/sh
# Does: dumps PostgreSQL databases into a staging folder that the backup then takes along: one archive a database, and
#       the roles and tablespaces. A dump gets its name when it is complete; any failure fails the hook.
# Needs: psql, pg_dump, pg_dumpall, pg_restore (not older than the server); the network to the server.
#   PGHOST, PGPORT, PGUSER  the server, as libpq reads them; the user must be allowed to read all of it
#   PGPASSFILE              file with lines host:port:database:user:password; libpq ignores it unless its mode is 0600
#   PG_DUMP_DIR             staging folder, below BACKUP_ROOT_DIR; it belongs to this hook (/data/dumps/postgres)
#   PG_DUMP_DATABASES       names, separated by blanks (all that accept connections)
#   PG_DUMP_GLOBALS         OFF leaves roles and tablespaces out (ON)
# Install as: pre-backup.sh, or pre-backup.30-postgres.sh beside others, together with its post-backup.sh.
# Critical: yes (HOOK_ON_ERROR=Fail): a backup without the database is not the backup that you want.
set -eu
umask 077

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}
dir=${PG_DUMP_DIR:-/data/dumps/postgres}
[ -z "${PGPASSFILE:-}" ] || [ -r "$PGPASSFILE" ] || fail "cannot read PGPASSFILE $PGPASSFILE"
export PGCONNECT_TIMEOUT="${PGCONNECT_TIMEOUT:-10}"

partial=
trap '[ -z "$partial" ] || rm -f -- "$partial"' EXIT
trap 'exit 143' TERM INT HUP

mkdir -p -- "$dir"
# What a run that crashed has left must not pass for today's dump.
rm -f -- "$dir"/*.pgdump "$dir"/globals.pgsql "$dir"/.*.partial

keep() {
    [ -s "$partial" ] || fail "the dump for $1 is empty"
    mv -- "$partial" "$1"
    partial=
    printf '%s\n' "dumped $1"
}

if [ -n "${PG_DUMP_DATABASES:-}" ]; then
    databases=$(printf '%s' "$PG_DUMP_DATABASES" | tr -s ' ' '\n')
else
    databases=$(PGDATABASE=postgres psql --no-password --no-psqlrc --tuples-only --no-align \
        --command 'SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname')
fi
[ -n "$databases" ] || fail 'there is no database to dump'

# The list is on descriptor 3, so that nothing in the loop can read from it by accident.
while IFS= read -r database <&3; do
    [ -n "$database" ] || continue
    case $database in
    */* | .*) fail "cannot name a file after the database '$database'" ;;
    esac
    partial=$dir/.$database.partial
    # The name goes by environment, since on the command line one with a '=' is read as connection settings. Not
    # compressed, or restic finds nothing that it already has.
    PGDATABASE=$database pg_dump --no-password --format=custom --compress=0 --file="$partial"
    pg_restore --list "$partial" >/dev/null || fail "the dump of $database cannot be read back"
    keep "$dir/$database.pgdump"
done 3<<LIST
$databases
LIST

if [ "${PG_DUMP_GLOBALS:-ON}" != OFF ]; then
    partial=$dir/.globals.partial
    pg_dumpall --no-password --globals-only --file="$partial"
    keep "$dir/globals.pgsql"
fi
