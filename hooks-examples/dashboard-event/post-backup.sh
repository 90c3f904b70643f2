#!/bin/sh
# Does: posts one JSON event about the run to a dashboard, with a bearer token. `text` and `tags` are what the
#       annotation API of Grafana reads; the other keys are there for a dashboard of your own.
# Needs: curl and jq (both are in the image); the network.
#   DASHBOARD_URL         where to post, for example https://grafana.example/api/annotations
#   DASHBOARD_TOKEN       the bearer token; it is a secret
#   DASHBOARD_TOKEN_FILE  or a file that holds it
#   DASHBOARD_TIMEOUT     seconds for the whole request (10)
#   LOG_DIR               where last-backup.json lies, read if RUN_SUMMARY is not set (/var/log)
# Install as: post-backup.sh, or post-backup.80-dashboard.sh beside others; works as post-check.sh etc. too.
# Critical: no. A missing mark on a graph does not make a good backup a bad one.
set -eu

worker=${HOOK_WORKER:-backup}
code=${RUN_EXIT_CODE:-${1:-0}}
status=${RUN_STATUS:-}
if [ -z "$status" ]; then
    if [ "$code" = 0 ]; then status=success; else status=failure; fi
fi

: "${DASHBOARD_URL:?set DASHBOARD_URL}"
if [ -n "${DASHBOARD_TOKEN_FILE:-}" ]; then
    DASHBOARD_TOKEN=$(cat "$DASHBOARD_TOKEN_FILE")
fi
: "${DASHBOARD_TOKEN:?set DASHBOARD_TOKEN or DASHBOARD_TOKEN_FILE}"
export DASHBOARD_URL DASHBOARD_TOKEN

# The file in LOG_DIR may be an older run's: only the run's own id makes it ours.
summary=${RUN_SUMMARY:-${LOG_DIR:-/var/log}/last-$worker.json}
facts=$(jq -c --arg run "${RUN_ID:-}" 'objects | select($run == "" or .run_id == $run)' \
    "$summary" 2>/dev/null) || facts=
[ -n "$facts" ] || facts='{}'

# The token goes to curl on standard input, since every process list shows the arguments. A redirect is not
# followed, so that the token stays with the host that it was meant for.
printf '%s' "$facts" | jq -r --arg worker "$worker" --arg status "$status" --arg code "$code" '
    (.hostname // env.HOSTNAME // "unknown host") as $host
    | {
        text: "\($worker) on \($host): \($status)",
        tags: ["boathook", $worker, $status],
        run_id: (env.RUN_ID // .run_id), host: $host, worker: $worker, status: $status,
        exit_code: ($code | tonumber? // null), error: (env.RUN_ERROR // .work.reason? // ""),
        snapshot: (env.RUN_SNAPSHOT // .snapshot_id),
        started_at: (env.RUN_STARTED_AT // .started_at), duration_seconds, hooks_verdict, stats
    }
    | "url = \(env.DASHBOARD_URL | tojson)",
      "header = \("Authorization: Bearer " + env.DASHBOARD_TOKEN | tojson)",
      "header = \"Content-Type: application/json\"",
      "data = \(tojson | tojson)"
' | curl --silent --show-error --fail --globoff --max-time "${DASHBOARD_TIMEOUT:-10}" --output /dev/null --config -
printf '%s\n' "told the dashboard: $worker, $status"
