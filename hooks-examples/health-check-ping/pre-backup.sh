#!/bin/sh
# Does: tells a health-check service (healthchecks.io or one that speaks like it) that a run starts. The service then
#       measures how long it takes and raises the alarm if no end follows.
# Needs: curl (in the image); the network.
#   HEALTHCHECK_PING_URL       address of the check; who knows it can ping it, so it is a secret
#   HEALTHCHECK_PING_URL_FILE  or a file that holds it
#   HEALTHCHECK_TIMEOUT        seconds for the whole request (10)
# Install as: pre-backup.sh, or pre-backup.05-ping.sh beside others; its pair is post-backup.sh.
# Critical: no, by no means: where other hooks need HOOK_ON_ERROR=Fail, call this one from a hook that ends with
#       `|| true`, or a service that is down costs you the backup.
set -eu

if [ -n "${HEALTHCHECK_PING_URL_FILE:-}" ]; then
    HEALTHCHECK_PING_URL=$(cat "$HEALTHCHECK_PING_URL_FILE")
fi
url=${HEALTHCHECK_PING_URL:?set HEALTHCHECK_PING_URL or HEALTHCHECK_PING_URL_FILE}
case $url in
*[[:space:]\"\\]*)
    echo 'HEALTHCHECK_PING_URL holds a blank, a quote or a backslash' >&2
    exit 2
    ;;
esac

# On standard input, since every process list shows the arguments.
printf 'url = "%s/start"\n' "${url%/}" |
    curl --silent --show-error --fail --globoff --max-time "${HEALTHCHECK_TIMEOUT:-10}" --output /dev/null \
        --data-raw "${RUN_ID:-}" --config -
echo 'told the health check: started'
