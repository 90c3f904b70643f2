"""Answers questions about cron expressions with libraries that are not ours.

Standard input: a JSON list of {library, expression, zone, from, until, count}; times are seconds since 1970.
Standard output: for each question the list of times after `from` and up to `until`, at most `count`, or the words of the
error.
"""

import json
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim


def times(question):
    start = datetime.fromtimestamp(question["from"], ZoneInfo(question["zone"]))
    if question["library"] == "croniter":
        found = croniter(question["expression"], start)
        step = lambda: found.get_next(float)
    else:
        found = CronSim(question["expression"], start)
        step = lambda: next(found).timestamp()
    answer = []
    while len(answer) < question["count"]:
        try:
            time = step()
        except StopIteration:
            break
        if time > question["until"]:
            break
        answer.append(int(time))
    return answer


def answer(question):
    try:
        return times(question)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
