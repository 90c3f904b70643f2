#!/bin/sh
# Does: gives back the lock that pre-backup.sh took, with the run's id as the owner, so that it can never free somebody
#       else's. "There is no such lock" (404, 409, 410) is fine: the hook may run twice, and without its pair ever having
#       run.
# Needs: curl and jq (both are in the image); the network to the application.
#   UPSTREAM_UNLOCK_URL  gets a POST with {"owner"}
#   UPSTREAM_TOKEN, UPSTREAM_TOKEN_FILE, UPSTREAM_TIMEOUT  as for pre-backup.sh
# Install as: post-backup.sh, or post-backup.30-unlock.sh beside others.
# Critical: yes (HOOK_ON_ERROR=Fail): an application that stays locked must not look like a good night.
set -eu

: "${UPSTREAM_UNLOCK_URL:?set UPSTREAM_UNLOCK_URL}"
if [ -n "${UPSTREAM_TOKEN_FILE:-}" ]; then
    UPSTREAM_TOKEN=$(cat "$UPSTREAM_TOKEN_FILE")
fi
export UPSTREAM_UNLOCK_URL UPSTREAM_TOKEN="${UPSTREAM_TOKEN:-}"

# The token goes to curl on standard input, since every process list shows the arguments.
answer=$(jq -n -r --arg owner "${RUN_ID:-boathook}" '
    "url = \(env.UPSTREAM_UNLOCK_URL | tojson)",
    (env.UPSTREAM_TOKEN | select(. != "") | "header = \("Authorization: Bearer " + . | tojson)"),
    "header = \"Content-Type: application/json\"",
    "data = \({owner: $owner} | tojson | tojson)"
' | curl --silent --show-error --globoff --max-time "${UPSTREAM_TIMEOUT:-30}" --output /dev/null \
    --write-out '%{http_code}' --config -)

case $answer in
2??) echo 'unlocked' ;;
404 | 409 | 410) printf '%s\n' "no lock of this run ($answer)" ;;
*)
    printf '%s\n' "the application answered $answer: it may still be locked" >&2
    exit 1
    ;;
esac
