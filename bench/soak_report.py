"""What came of a soak: its tables, and whether everything held. Needs Django set up."""

import json
import statistics
from collections import Counter, defaultdict
from datetime import UTC, datetime

from bench.stack import say
from tests.faults.ledger import assert_ledger_balances, assert_nothing_lost_or_doubled
from tests.processes import wait_for

# In how many seconds the queues must be empty after the last minute.
QUEUES_EMPTY_SECONDS = 240
WELL = (200, 302)
# After a fault has ended, an answer may still tell of it.
ECHO_SECONDS = 10
# In these faults the pages have no database, or no web application. Everything else must not show.
WITHOUT_DATABASE, WITHOUT_WEB = "postgres", "web"


class Pages:
    """The answers that people got. file: of `bench.clicking`. faults: [(name, begin, end)]."""

    def __init__(self, file, faults):
        self.faults = faults
        # The last line is not whole if the people were killed.
        lines = file.read_text().splitlines()
        self.answers = [json.loads(line) for line in lines if line.endswith("]")]

    def failed(self):
        """[(status, kind, seconds since 1970, name of the fault or empty)]; status 0: no answer."""
        return [
            (status, kind, at, self._fault_at(at + ms / 1000))
            for kind, at, ms, status in self.answers
            if status >= 500 or status == 0
        ]

    def _fault_at(self, moment):
        """The fault in which an answer ended. An export may have begun long before it."""
        return next(
            (name for name, begin, end in self.faults if begin <= moment <= end + ECHO_SECONDS), ""
        )

    def failures(self):
        allowed = {WITHOUT_DATABASE: {0, 500, 502, 503}, WITHOUT_WEB: {0}}
        return [
            f"{kind} at {_clock(at)}: {status or 'no answer'} ({fault or 'no fault'})"
            for status, kind, at, fault in self.failed()
            if status not in allowed.get(fault, ())
        ]

    def by_kind(self):
        """Yield (kind, answers, p50, p95 in ms, {status: count})."""
        kinds = defaultdict(list)
        for kind, _, ms, status in self.answers:
            kinds[kind].append((ms, status))
        for kind, found in sorted(kinds.items()):
            taken = sorted(ms for ms, status in found if status in WELL)
            if len(taken) > 1:
                cuts = statistics.quantiles(taken, n=20, method="inclusive")
                yield kind, len(found), cuts[9], cuts[18], Counter(s for _, s in found)
            else:
                yield kind, len(found), None, None, Counter(s for _, s in found)


def _clock(at):
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def markdown(installation, kept, memory, faults, pages):
    """The tables of a run. kept: how many answers were compared, None if the comparison failed."""
    cycles = list(installation.cycles().values())
    slots = [cycle.slot for cycle in cycles]
    minutes = round((max(slots) - min(slots)).total_seconds() / 60) + 1
    seconds = [(c.finished_at - c.slot).total_seconds() for c in cycles if c.finished_at]
    planned = sum(cycle.planned for cycle in cycles)
    lines = ["", f"{datetime.now(UTC):%Y-%m-%d}", "", "| | |", "|---|---:|"]
    for what, number in {
        "minutes with a cycle": f"{len(cycles)} of {minutes}",
        "polls planned": f"{planned:,}",
        "of them skipped": f"{sum(cycle.skipped for cycle in cycles):,}",
        "answers of the sensors": f"{len(installation.sensors.requests):,}",
        "equal row by row": "differs" if kept is None else f"{kept:,}",
        "cycle, median": f"{statistics.median(seconds):.0f} s",
        "cycle, longest": f"{max(seconds):.0f} s",
    }.items():
        lines.append(f"| {what} | {number} |")

    lines += ["", "| fault | at (UTC) | took | 5xx | no answer |", "|---|---|---:|---:|---:|"]
    failed = Counter((fault, status == 0) for status, _, _, fault in pages.failed())
    for name, begin, end in [*faults.told, ("", None, None)]:
        when = (_clock(begin), f"{end - begin:.0f} s") if begin else ("", "")
        lines.append(
            f"| {name or 'no fault'} | {when[0]} | {when[1]} "
            f"| {failed[name, False]} | {failed[name, True]} |"
        )

    lines += [
        "",
        "| pages | answers | p50 ms | p95 ms | other than 200 and 302 |",
        "|---|---:|---:|---:|---|",
    ]
    for kind, count, middle, high, statuses in pages.by_kind():
        others = ", ".join(
            f"{s or 'none'}: {n}" for s, n in sorted(statuses.items()) if s not in (200, 302)
        )
        told = f"{middle:.0f} | {high:.0f}" if middle is not None else "– | –"
        lines.append(f"| {kind} | {count} | {told} | {others} |")

    lines += [
        "",
        "| process | longest life, min | MB when warm | MB at its end | MB more in 10 min |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, lived, first, last, grown in memory.lives():
        growth = "–" if grown is None else f"{grown:+.1f}"
        lines.append(f"| {name} | {lived:.0f} | {first:.0f} | {last:.0f} | {growth} |")
    return "\n".join(lines)


def conclude(installation, memory, faults, pages):
    """Compare every answer with the database, and print the tables. Return whether all holds."""
    installation.finish("beat")
    wait_for(installation.is_idle, QUEUES_EMPTY_SECONDS, "nothing waits in Redis", every=1)
    unfinished = "SELECT FROM cages_pollcycle WHERE finished_at IS NULL"
    wait_for(lambda: not installation.rows(unfinished), 60, "every cycle is finished", every=1)
    failures, kept = [], None
    try:
        kept = assert_nothing_lost_or_doubled(installation, faults.gone)
    except AssertionError as error:
        failures.append(str(error))
    try:
        assert_ledger_balances(installation)
    except AssertionError as error:
        failures.append(str(error))
    failures += pages.failures() + memory.failures()
    say(markdown(installation, kept, memory, faults, pages))
    for failure in failures:
        say(f"FAILED: {failure}")
    return not failures
