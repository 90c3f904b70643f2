#!/bin/sh
# Does: tells a health-check service (healthchecks.io or one that speaks like it) how the run ended: the bare address
#       for a success, /<exit code> or /fail for a failure, /log for a run that was called off, which is neither.
# Needs: curl (in the image); the network.
#   HEALTHCHECK_PING_URL       address of the check; who knows it can ping it, so it is a secret
#   HEALTHCHECK_PING_URL_FILE  or a file that holds it
#   HEALTHCHECK_TIMEOUT        seconds for the whole request (10)
# Install as: post-backup.sh, or post-backup.90-ping.sh beside others, as the last: it then knows of a post hook that
#       failed. Needs no pre-backup.sh before it.
# Critical: no. The service raises the alarm itself when it hears nothing.
set -eu

code=${RUN_EXIT_CODE:-${1:-0}}
status=${RUN_STATUS:-}
if [ -z "$status" ]; then
    if [ "$code" = 0 ]; then status=success; else status=failure; fi
fi
case $status in
success | warning) path= ;;
skipped) path=/log ;;
*)
    # The service takes an exit code of 0 for a success, whatever the status is.
    if [ "$code" = 0 ]; then path=/fail; else path=/$code; fi
    ;;
esac

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
printf 'url = "%s%s"\n' "${url%/}" "$path" |
    curl --silent --show-error --fail --globoff --max-time "${HEALTHCHECK_TIMEOUT:-10}" --output /dev/null \
        --data-raw "$status, exit code $code${RUN_ERROR:+: $RUN_ERROR}" --config -
printf '%s\n' "told the health check: $status"
