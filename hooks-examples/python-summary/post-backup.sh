#!/usr/bin/env python3
# shellcheck disable=SC1071 # a hook's name ends in .sh whatever it is written in; the first line says what runs it
# Does: shows that a hook may be written in any language: reads the run's summary, prints what took how long, and adds
#       a line for the run to a CSV file for your spreadsheet.
# Needs: python3 (not in the image: build on it and add the package).
#   RUNS_CSV  the file that grows (LOG_DIR/backup-runs.csv, LOG_DIR being /var/log)
# Install as: post-backup.sh, or post-backup.80-csv.sh beside others; the name must end in .sh.
# Critical: no. The summary itself and the history keep the same facts.
import csv
import json
import os
import sys

COLUMNS = [
    "run_id",
    "hostname",
    "started_at",
    "duration_seconds",
    "status",
    "exit_code",
    "snapshot_id",
    "bytes_added",
    "hooks_verdict",
]


def read_summary():
    """The summary of this run, or nothing: RUN_SUMMARY is unset when it could not be written."""
    try:
        # Names of files, and so error texts, need not be UTF-8.
        with open(os.environ["RUN_SUMMARY"], encoding="utf-8", errors="replace") as file:
            summary = json.load(file, strict=False)
    except (KeyError, OSError, ValueError) as error:
        print(f"no summary ({error!r}): going by the environment", file=sys.stderr)
        return {}
    return summary if isinstance(summary, dict) else {}


def main():
    summary = read_summary()
    code = os.environ.get("RUN_EXIT_CODE") or (sys.argv[1] if len(sys.argv) > 1 else "")
    row = {column: summary.get(column, "") for column in COLUMNS}
    row["run_id"] = os.environ.get("RUN_ID") or row["run_id"]
    row["status"] = os.environ.get("RUN_STATUS") or row["status"]
    row["exit_code"] = code or row["exit_code"]

    print(f"{row['status'] or 'unknown status'}, exit code {row['exit_code']}, {row['duration_seconds'] or '?'} s")
    hooks = [hook for hook in summary.get("hooks") or [] if isinstance(hook, dict)]
    for hook in sorted(hooks, key=lambda hook: hook.get("duration_ms") or 0, reverse=True):
        seconds = (hook.get("duration_ms") or 0) / 1000
        print(f"{seconds:9.1f} s  {hook.get('status') or '':<10} {hook.get('name') or ''}")

    path = os.environ.get("RUNS_CSV") or os.path.join(os.environ.get("LOG_DIR") or "/var/log", "backup-runs.csv")
    with open(path, "a", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        if file.tell() == 0:
            table.writeheader()
        table.writerow(row)


if __name__ == "__main__":
    main()
