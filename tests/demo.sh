#!/bin/sh
# The main job for real, on a local repository in a folder of its own: backup with hooks, a hook that hangs, a hook that
# must not fail, what the next backup would read, check, restore, comparison, a rehearsal of a restore, doctor.
set -eu

boathook=$(readlink -f "${1:?usage: tests/demo.sh BOATHOOK}")
demo=$(mktemp -d "${TMPDIR:-/tmp}/boathook-demo.XXXXXX")
trap 'rm -rf "$demo"' EXIT
trap 'exit 130' INT TERM

if [ -t 1 ]; then bold=$(printf '\033[1m'); dim=$(printf '\033[2m'); off=$(printf '\033[0m'); else bold=""; dim=""; off=""; fi
step=0
say() { step=$((step + 1)); printf '\n%s%s. %s%s\n' "$bold" "$step" "$1" "$off"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$off"; }
# Runs a command as the reader would, and holds it to the exit code that it should have.
run() {
    expected=$1; shift
    show "$@"
    code=0
    "$@" || code=$?
    if [ "$code" != "$expected" ]; then
        printf '\nThe demo failed: exit code %s instead of %s.\n' "$code" "$expected" >&2
        exit 1
    fi
    if [ "$code" != 0 ]; then printf '%s(exit code %s, as it should be)%s\n' "$dim" "$code" "$off"; fi
}
hook() { cat > "$demo/hooks/$1"; chmod 755 "$demo/hooks/$1"; }

mkdir -p "$demo/hooks" "$demo/data" "$demo/bin" "$demo/restore"
for command in backup check restore restore-test sources-report doctor; do ln -s "$boathook" "$demo/bin/$command"; done
export PATH="$demo/bin:$PATH"
export HOOKS_DIR="$demo/hooks" LOG_DIR="$demo/log" RUN_DIR="$demo/run" STATE_DIR="$demo/state" CONFIG_DIR="$demo/config"
export RESTORE_DIR="$demo/restore" RESTIC_CACHE_DIR="$demo/cache" TMPDIR="$demo" BACKUP_ROOT_DIR="$demo/data"
export RESTIC_REPOSITORY="$demo/repository" RESTIC_PASSWORD="a-password-for-the-demo" RESTIC_FORGET_ARGS="--keep-last 7"

say "A repository, and some hundred real files"
# The project's own files, and what the machine has of documentation: real text, of every size.
cp -R "$(dirname "$0")/../src" "$(dirname "$0")/../docs" "$(dirname "$0")/../tests" "$demo/data/"
if [ -d /usr/share/common-licenses ]; then cp -RL /usr/share/common-licenses "$demo/data/licences"; fi
i=0
while [ "$i" -lt 200 ]; do
    mkdir -p "$demo/data/letters/$((i / 20))"
    printf 'Letter %s\n\nDear reader, this is letter number %s.\n' "$i" "$i" > "$demo/data/letters/$((i / 20))/letter $i.txt"
    i=$((i + 1))
done
restic init | sed -n 1p
printf '%s files, %s\n' "$(find "$demo/data" -type f | wc -l)" "$(du -sh "$demo/data" | cut -f1)"

say "A hook before and a hook after the backup"
hook pre-backup.sh <<'HOOK'
#!/bin/sh
echo "dumping the database (say) for run $RUN_ID"
echo "INSERT INTO letters VALUES (1);" > "$BACKUP_ROOT_DIR/database.sql"
HOOK
hook post-backup.sh <<'HOOK'
#!/bin/sh
echo "the backup ended with $1 ($RUN_STATUS), snapshot $(echo "$RUN_SNAPSHOT" | cut -c1-8)"
HOOK
run 0 backup

say "A hook that hangs, and ignores being asked to end: it is ended with all that it started, and the backup is made"
hook pre-backup.20-hangs.sh <<'HOOK'
#!/bin/sh
trap '' TERM
(setsid sleep 86399 &)
echo "waiting for a peer that never answers"
sleep 86399
HOOK
export HOOK_TIMEOUT=2 HOOK_KILL_AFTER=1
run 0 backup
rm "$demo/hooks/pre-backup.20-hangs.sh"
for process in /proc/[0-9]*/cmdline; do
    if [ "$(tr '\0' ' ' < "$process" 2>/dev/null)" = "sleep 86399 " ]; then
        echo "The demo failed: a process of the hook was left." >&2
        exit 1
    fi
done
unset HOOK_TIMEOUT HOOK_KILL_AFTER

say "A critical hook that fails: nothing is backed up, the post hook still runs, and the exit code says why"
hook pre-backup.30-space.sh <<'HOOK'
#!/bin/sh
echo "only 3 % free"
exit 1
HOOK
run 120 env HOOK_ON_ERROR=Fail backup
rm "$demo/hooks/pre-backup.30-space.sh"

say "What other programs read"
show jq -c "'{status, exit_code, work, hooks: [.hooks[] | {name, status}]}'" last-backup.json
jq -c '{status, exit_code, work, hooks: [.hooks[] | {name, status}]}' "$LOG_DIR/last-backup.json"

say "What would the next backup read? Counted by its own rules, without asking restic"
run 0 env RESTIC_JOB_ARGS="--exclude *.rs" sources-report

say "Check the repository, and read a third of its data: after three runs all of it has been read"
run 0 env RESTIC_CHECK_ROTATE=3 check

say "Restore, and compare every byte"
run 0 restore --yes
show diff -r data restore/data
diff -r "$demo/data" "$demo/restore$demo/data"
printf 'The restored tree is the same, byte by byte: %s files, one of them the database.sql of the hook.\n' "$(find "$demo/restore" -type f | wc -l)"

say "Rehearse a restore, as a schedule would: 20 files by chance, compared with the repository and the source"
run 0 restore-test --sample 20
show jq -c "'{status, verification, files_restored, cleanup_status}'" last-restore-test.json
jq -c '{status, verification, files_restored, cleanup_status}' "$LOG_DIR/last-restore-test.json"

say "Doctor: is everything in order? (a hook is mounted that nobody may execute)"
hook pre-check.sh <<'HOOK'
#!/bin/sh
echo never run
HOOK
chmod 644 "$demo/hooks/pre-check.sh"
run 0 doctor > "$demo/report" || { cat "$demo/report"; exit 1; }
sed -n '/^== Configuration checks ==/,/^== Recent JSON/p' "$demo/report" | sed '$d'
sed -n '/^== Summary ==/,$p' "$demo/report"

printf '\n%sThat is Boathook.%s Everything above was in %s, which is gone now.\n' "$bold" "$off" "$demo"
