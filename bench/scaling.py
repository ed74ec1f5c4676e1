"""`python -m bench.scaling`: does polling scale with processes, and how much does one carry?

Three measurements, each with servers and processes of its own:

1. `adds up`: one poller process, then two, each on a core of its own, with more cages than they can
   poll. A process is limited by its threads (each waits 2 s for an answer on average), not by its
   core, because sensors, database and Redis need the same cores. So this shows whether anything
   that the pollers share (queue, recorder, database) slows them down.
2. `one core`: one poller process with many threads on one core, and everything else on other cores.
   With four cores or more, also two pollers on two cores.
3. `recording`: one recorder process empties a queue of prepared results.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.stack import MINUTE, Stack, Trouble, end_cleanly, run_program, say
from bench.usage import Usage
from local_stack.processes import StackError

MEAN_LATENCY_SECONDS = 2
POLLED_SECONDS = 60


def main():
    options = argparse.ArgumentParser(prog="python -m bench.scaling")
    options.add_argument("--only", choices=MEASUREMENTS, nargs="+", default=list(MEASUREMENTS))
    options.add_argument("--minutes", type=int, default=3, help="measured minutes of each case")
    options.add_argument(
        "--concurrency", type=int, default=300, help="threads of a poller in `adds up`"
    )
    options.add_argument(
        "--core-concurrency", type=int, default=2500, help="threads of a poller in `one core`"
    )
    options.add_argument("--core-cages", type=int, default=100_000, help="cages in `one core`")
    options.add_argument("--record-cages", type=int, default=20_000, help="cages in `recording`")
    options.add_argument("--markdown", action="store_true")
    options.add_argument("--result", help=argparse.SUPPRESS)
    options = options.parse_args()
    end_cleanly()
    try:
        if options.result:
            lines = MEASUREMENTS[options.only[0]](options)
            Path(options.result).write_text(json.dumps(lines))
        else:
            heads = ("measured", "polls or results a minute", "CPU s per 1,000", "of its core")
            show([heads, *each_apart(options)], options.markdown)
    except (Trouble, StackError) as error:
        sys.exit(f"bench: {error}")


def each_apart(options):
    """Return the rows of all measurements, each from a new process: Django starts only once."""
    lines = []
    with tempfile.TemporaryDirectory(prefix="neurocage-bench-") as folder:
        for name in options.only:
            file = Path(folder) / name
            done = run_program(
                *("-m", "bench.scaling", *sys.argv[1:], "--only", name, "--result", file)
            )
            if done or not file.exists():
                raise Trouble(f"{name} could not be measured")
            lines += json.loads(file.read_text())
    return lines


def adds_up(options):
    """Return the table rows for one and for two pollers that are limited by their threads."""
    carried = options.concurrency * POLLED_SECONDS // MEAN_LATENCY_SECONDS
    cages = 3 * carried
    say(f"Adds up: {cages:,} cages; about {carried:,} a minute are the most for one poller.")
    # Enough shards for two pollers: the first one takes as many as it can hold.
    shard_size = min(500, max(cages // 64, 1))
    given = {"POLL_CONCURRENCY": options.concurrency, "POLL_SHARD_SIZE": shard_size}
    lines = _one_then_two(cages, given, options.minutes, apart=False)
    return [(f"{line[0]}, {options.concurrency} threads each", *line[1:]) for line in lines]


def one_core(options):
    """Return the row for one poller alone on a core, and for two if two more cores are left."""
    cores = os.cpu_count()
    say(f"One core: {options.core_cages:,} cages, {options.core_concurrency} threads.")
    if cores < 4:
        say(
            f"  Two pollers are not measured: with {cores} cores, none is left for everything else."
        )
    given = {"POLL_CONCURRENCY": options.core_concurrency}
    lines = _one_then_two(
        options.core_cages, given, options.minutes, apart=True, most=2 if cores >= 4 else 1
    )
    return [(f"{line[0]}, one core each, nothing else on it", *line[1:]) for line in lines]


def _one_then_two(cages, given, minutes, apart, most=2):
    """Return [(title, polls a minute, CPU s per 1,000 polls, share of a core), ...].

    apart: whether everything else is kept off the cores of the pollers.
    """
    lines = []
    with Stack(1, given=given) as stack:
        stack.start_servers()
        stack.prepare_database(cages)
        stack.start_sensors()
        stack.start_workers()
        pin(stack, most, apart)
        first = stack.start_beat() + MINUTE
        for pollers in range(1, most + 1):
            if pollers > 1:
                stack.start_poller(f"poller{pollers}")
                stack.wait_for_workers()
                pin(stack, most, apart)
                # The new poller gets a whole minute to open connections and start threads.
                first += 2 * MINUTE
            slots = [first + number * MINUTE for number in range(minutes)]
            first = slots[-1] + MINUTE
            lines.append(_saturated(stack, slots, pollers))
    if most > 1:
        ratio = lines[1][1] / max(lines[0][1], 1)
        lines.append(("two ÷ one", f"{ratio:.2f}", "", ""))
    return [(line[0], *map(str, line[1:])) for line in lines]


def pin(stack, most, apart):
    """Pin each poller to a core. With `apart`, pin everything else to the other cores."""
    if not hasattr(psutil.Process, "cpu_affinity"):
        say("  This system cannot pin processes to cores, so they are not pinned.")
        return
    cores = psutil.Process().cpu_affinity()
    for child in stack.children():
        process = psutil.Process(child.pid)
        if child in stack.groups["poll"]:
            allowed = [cores[stack.groups["poll"].index(child) % len(cores)]]
        else:
            allowed = cores[most:] if apart and len(cores) > most else cores
        for each in (process, *process.children(recursive=True)):
            _pin_all_threads(each, allowed)


def _pin_all_threads(process, cores):
    # On Linux each thread has its own affinity. A new thread inherits it.
    for thread in process.threads():
        try:
            psutil.Process(thread.id).cpu_affinity(cores)
        except psutil.NoSuchProcess:
            continue


def _saturated(stack, slots, pollers):
    from cages.models import PollCycle

    stack.sleep_until(slots[0])
    usage = Usage({"poll": stack.groups["poll"]})
    stack.sleep_until(slots[-1] + MINUTE)
    usage.stop()
    # Wait until the last polls of the last minute are recorded.
    finished = PollCycle.objects.finished().filter(slot__in=slots)
    stack.wait_until(lambda: finished.count() == len(slots), "a cycle did not finish", 180)
    asked = [cycle.asked for cycle in finished]
    for cycle in finished.order_by("slot"):
        say(f"  {cycle}, {cycle.asked:,} polled in time")
    per_minute = round(statistics.median(asked))
    seconds = usage.cpu_seconds["poll"]
    title = "one poller" if pollers == 1 else f"{pollers} pollers"
    if not any(cycle.skipped for cycle in finished):
        title += " (it polled every cage, so this is not its limit)"
    part = seconds / usage.seconds / pollers
    return title, per_minute, f"{seconds / max(sum(asked), 1) * 1000:.3f}", f"{part:.0%}"


def recording(options):
    """Return the row for one recorder process that empties a queue of prepared results."""
    minutes = max(options.minutes, 3)
    say(f"Recording: {minutes} minutes of {options.record_cages:,} cages.")
    with Stack() as stack:
        stack.start_servers()
        stack.prepare_database(options.record_cages)
        slots = _prepare_results(minutes)
        recorder = stack.start_recorder()
        seconds, usage = _drain(stack, slots)
    results = minutes * options.record_cages
    per_thousand = {name: spent / results * 1000 for name, spent in usage.cpu_seconds.items()}
    core = usage.cpu_seconds["record"] / usage.seconds
    return [
        (
            f"{recorder.name}, one process, and the database",
            f"{results / seconds * 60:,.0f}",
            f"{per_thousand['record']:.3f} + {per_thousand['database']:.3f}",
            f"{core:.0%}",
        )
    ]


def _prepare_results(minutes):
    """Queue the results of this many past minutes as pollers send them. Return the slots."""
    from django.utils import timezone

    from cages.models import Health, Outcome
    from cages.polling import schedule
    from cages.polling.results import PollResult, encode
    from cages.polling.tasks import record_polls
    from cages.slots import slot_of

    now = timezone.now()
    slots = [slot_of(now) - number * MINUTE for number in range(minutes, 0, -1)]
    for slot in slots:
        for shard in schedule.cut(schedule.claim(slot, now)):
            # One in four fails, like the sensors.
            results = [
                PollResult(cage_id, Outcome.UNAVAILABLE, 2000, 503)
                if (cage_id + slot.minute) % 4 == 0
                else PollResult(cage_id, Outcome.ANSWERED, 2000, 200, Health(1 + cage_id % 3))
                for cage_id in shard.cage_ids
            ]
            record_polls.delay(int(slot.timestamp()), encode(results))
    return slots


def _drain(stack, slots):
    """Return (seconds, Usage) from the first result taken to the last one written."""
    import redis

    from cages.models import PollCycle

    finished = PollCycle.objects.finished().filter(slot__in=slots)
    with redis.from_url(stack.valkey.url) as client:
        all_of_them = client.llen("records")
        while client.llen("records") == all_of_them:
            stack.check()
            time.sleep(0.005)
    # Measure from here, without the start of the recorder.
    usage = Usage(stack.groups)
    stack.wait_until(lambda: finished.count() == len(slots), "the queue is not empty", 600)
    usage.stop()
    return usage.seconds, usage


def show(lines, markdown):
    say()
    if markdown:
        for number, line in enumerate(lines):
            say(f"| {' | '.join(line)} |")
            if not number:
                say(f"|---{'|---:' * (len(line) - 1)}|")
        return
    for title, *rest in lines:
        say(f"{title:<52}" + "".join(f"{text:>26}" for text in rest))


MEASUREMENTS = {"adds-up": adds_up, "one-core": one_core, "recording": recording}

if __name__ == "__main__":
    main()
