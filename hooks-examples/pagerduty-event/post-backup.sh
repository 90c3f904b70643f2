#!/bin/sh
# Does: opens a PagerDuty incident when the run failed and resolves it when a later run succeeds (Events API v2).
#       Both events carry the same key, so a week of failures is one incident. A run that was called off
#       (status skipped) sends nothing: it neither failed nor made a backup.
# Needs: curl and jq (both are in the image); the network.
#   PAGERDUTY_ROUTING_KEY       integration key of the service; it is a secret
#   PAGERDUTY_ROUTING_KEY_FILE  or a file that holds it
#   PAGERDUTY_DEDUP_KEY         what ties trigger and resolve together (boathook/<host>/<worker>)
#   PAGERDUTY_SEVERITY          critical, error, warning or info (error)
#   PAGERDUTY_URL               (https://events.pagerduty.com/v2/enqueue)
#   PAGERDUTY_TIMEOUT           seconds for the whole request (10)
# Install as: post-backup.sh, or post-backup.80-pagerduty.sh beside others; works as post-check.sh etc. too.
# Critical: no. An event that was not sent does not make a good backup a bad one.
set -eu

worker=${HOOK_WORKER:-backup}
code=${RUN_EXIT_CODE:-${1:-0}}
status=${RUN_STATUS:-}
if [ -z "$status" ]; then
    if [ "$code" = 0 ]; then status=success; else status=failure; fi
fi
case $status in
failure | interrupted) action=trigger ;;
# With warning the data is in the repository: what is wrong is in the log and the mail, and is nobody's night.
success | warning) action=resolve ;;
*) exit 0 ;;
esac

if [ -n "${PAGERDUTY_ROUTING_KEY_FILE:-}" ]; then
    PAGERDUTY_ROUTING_KEY=$(cat "$PAGERDUTY_ROUTING_KEY_FILE")
fi
: "${PAGERDUTY_ROUTING_KEY:?set PAGERDUTY_ROUTING_KEY or PAGERDUTY_ROUTING_KEY_FILE}"
export PAGERDUTY_ROUTING_KEY
host=$(jq -n -r --arg hostname "$(hostname)" 'env.HOSTNAME // $hostname')

# The key is part of the body, so the body goes to curl on standard input and not on the command line.
jq -n -r --arg action "$action" --arg worker "$worker" --arg status "$status" --arg code "$code" \
    --arg host "$host" --arg severity "${PAGERDUTY_SEVERITY:-error}" \
    --arg url "${PAGERDUTY_URL:-https://events.pagerduty.com/v2/enqueue}" \
    --arg dedup "${PAGERDUTY_DEDUP_KEY:-boathook/$host/$worker}" '
    {routing_key: env.PAGERDUTY_ROUTING_KEY, event_action: $action, dedup_key: $dedup}
    + if $action == "trigger" then {
        payload: {
            # PagerDuty refuses a summary of more than 1024 characters.
            summary: ("\($worker) on \($host): \($status), exit code \($code)"
                + (env.RUN_ERROR // "" | select(. != "") | ": " + .) // "")[:1000],
            source: $host,
            severity: $severity,
            component: $worker,
            custom_details: {
                run_id: (env.RUN_ID // ""), trigger: (env.RUN_TRIGGER // ""), started_at: (env.RUN_STARTED_AT // ""),
                log: (env.RUN_LOG // ""), target: (env.RUN_TARGET // "")
            }
        }
    } else {} end
    | "url = \($url | tojson)",
      "header = \"Content-Type: application/json\"",
      "data = \(tojson | tojson)"
' | curl --silent --show-error --fail --globoff --max-time "${PAGERDUTY_TIMEOUT:-10}" --output /dev/null --config -
printf '%s\n' "told PagerDuty: $action for $worker"
