#!/bin/sh
# Does: asks the application that owns the data for a lock by HTTP (maintenance mode, "do not write now"), with the run's
#       id as the owner. Answers 409 and 423, somebody else holds it, end the hook with 75.
# Needs: curl and jq (both are in the image); the network to the application.
#   UPSTREAM_LOCK_URL    gets a POST with {"owner", "reason", "ttl_seconds"}; any 2xx is a lock
#   UPSTREAM_TOKEN       bearer token, if it wants one; it is a secret
#   UPSTREAM_TOKEN_FILE  or a file that holds it
#   UPSTREAM_LOCK_TTL    seconds after which the application may free itself, should nobody come back (21600)
#   UPSTREAM_TIMEOUT     seconds for the whole request (30)
# Install as: pre-backup.sh, or pre-backup.25-lock.sh beside others, always together with its post-backup.sh.
# Critical: yes (HOOK_ON_ERROR=Fail), or it may be skipped on: with HOOK_SKIP_ON=75 a lock that somebody else holds calls
#       the run off instead.
set -eu

: "${UPSTREAM_LOCK_URL:?set UPSTREAM_LOCK_URL}"
if [ -n "${UPSTREAM_TOKEN_FILE:-}" ]; then
    UPSTREAM_TOKEN=$(cat "$UPSTREAM_TOKEN_FILE")
fi
export UPSTREAM_LOCK_URL UPSTREAM_TOKEN="${UPSTREAM_TOKEN:-}"

# The token goes to curl on standard input, since every process list shows the arguments.
answer=$(jq -n -r --arg owner "${RUN_ID:-boathook}" --arg worker "${HOOK_WORKER:-backup}" \
    --arg ttl "${UPSTREAM_LOCK_TTL:-21600}" '
    "url = \(env.UPSTREAM_LOCK_URL | tojson)",
    (env.UPSTREAM_TOKEN | select(. != "") | "header = \("Authorization: Bearer " + . | tojson)"),
    "header = \"Content-Type: application/json\"",
    "data = \({owner: $owner, reason: $worker, ttl_seconds: ($ttl | tonumber)} | tojson | tojson)"
' | curl --silent --show-error --globoff --max-time "${UPSTREAM_TIMEOUT:-30}" --output /dev/null \
    --write-out '%{http_code}' --config -)

case $answer in
2??) echo 'locked' ;;
409 | 423)
    echo 'somebody else holds the lock of the application'
    exit 75
    ;;
*)
    printf '%s\n' "the application answered $answer: not locked" >&2
    exit 1
    ;;
esac
