#!/bin/sh
# Does: sends a message to a Slack channel when the run failed, with the reason, the repository and the hooks
#       that failed, as the run's summary has them. Without a summary it sends what it knows from the environment.
# Needs: curl and jq (both are in the image); the network.
#   SLACK_WEBHOOK_URL       address of the incoming webhook, https://hooks.slack.com/services/...; it is a secret
#   SLACK_WEBHOOK_URL_FILE  or a file that holds it
#   SLACK_NOTIFY_ON         statuses that are worth a message (failure interrupted)
#   SLACK_TIMEOUT           seconds for the whole request (10)
#   LOG_DIR                 where last-backup.json lies, read if RUN_SUMMARY is not set (/var/log)
# Install as: post-backup.sh, or post-backup.80-slack.sh beside others; works as post-check.sh etc. too.
# Critical: no. A message that was not sent does not make a good backup a bad one.
set -eu

worker=${HOOK_WORKER:-backup}
code=${RUN_EXIT_CODE:-${1:-0}}
status=${RUN_STATUS:-}
if [ -z "$status" ]; then
    if [ "$code" = 0 ]; then status=success; else status=failure; fi
fi
case " ${SLACK_NOTIFY_ON:-failure interrupted} " in
*" $status "*) ;;
*) exit 0 ;;
esac

if [ -n "${SLACK_WEBHOOK_URL_FILE:-}" ]; then
    SLACK_WEBHOOK_URL=$(cat "$SLACK_WEBHOOK_URL_FILE")
fi
: "${SLACK_WEBHOOK_URL:?set SLACK_WEBHOOK_URL or SLACK_WEBHOOK_URL_FILE}"
export SLACK_WEBHOOK_URL

# RUN_SUMMARY is unset when this run's summary could not be written. The file in LOG_DIR is an older run's then:
# only the run's own id makes it ours.
summary=${RUN_SUMMARY:-${LOG_DIR:-/var/log}/last-$worker.json}
facts=$(jq -c --arg run "${RUN_ID:-}" 'objects | select($run == "" or .run_id == $run)' \
    "$summary" 2>/dev/null) || facts=
[ -n "$facts" ] || facts='{}'

# Whoever may list processes may read their arguments: address and message reach curl on its standard input, as a
# configuration whose strings happen to be quoted as JSON strings are.
printf '%s' "$facts" | jq -r --arg worker "$worker" --arg status "$status" --arg code "$code" '
    def escaped: tostring | gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;");
    def known: select(. != null and . != "");
    def line(name; value): value | known | "*\(name):* \(escaped)";
    [
        ":rotating_light: *\($worker)* on *\(.hostname // env.HOSTNAME // "unknown host" | escaped)*: \($status), "
            + "exit code \($code)",
        line("Reason"; (env.RUN_ERROR | known) // .work.reason?),
        line("Repository"; .repository),
        line("Source"; .backup_root_dir),
        line("Hooks that failed";
            [.hooks[]? | select(.status == "failed" or .status == "timed_out") | "\(.name) (\(.status))"]
            | join(", ")),
        line("Last success"; .last_success_at),
        line("Run"; env.RUN_ID)
    ] | join("\n") as $text
    | "url = \(env.SLACK_WEBHOOK_URL | tojson)",
      "header = \"Content-Type: application/json\"",
      "data = \({text: $text} | tojson | tojson)"
' | curl --silent --show-error --fail --globoff --max-time "${SLACK_TIMEOUT:-10}" --output /dev/null --config -
printf '%s\n' "told Slack: $worker, $status"
