"""`python -m bench.scaling`: does polling scale with processes, and how much does one carry?

Three measurements, each on a stack of its own:

1. `adds up`: one poller process, then two, each pinned to a core of its own, with more cages than
   they can ask. What bounds a process here is the number of its threads (each waits 2 s for an
   answer on average), not the core, because sensors, database and Redis need the same cores. So it
   shows that nothing the pollers share (queue, recorder, database) stands in the way.
2. `one core`: one poller process with many threads pinned to one core, everything else kept off it:
   what a core of this machine carries. On four cores or more also two, on two cores.
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
    options.add_argument("--minutes", type=int, default=3, help="measured, of each case")
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
    """The rows of all measurements, each made by a process of its own: Django starts only once."""
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
    """Rows of the table for one and for two pollers that are bounded by their threads."""
    carried = options.concurrency * POLLED_SECONDS // MEAN_LATENCY_SECONDS
    cages = 3 * carried
    say(f"Adds up: {cages:,} cages; about {carried:,} a minute are what one poller can ask.")
    # Enough shards for two: the first to come takes as many as it has threads for shards.
    shard_size = min(500, max(cages // 64, 1))
    given = {"POLL_CONCURRENCY": options.concurrency, "POLL_SHARD_SIZE": shard_size}
    lines = _one_then_two(cages, given, options.minutes, apart=False)
    return [(f"{line[0]}, {options.concurrency} threads each", *line[1:]) for line in lines]


def one_core(options):
    """Rows for one poller on a core of its own; and for two where two more cores are left."""
    cores = os.cpu_count()
    say(f"One core: {options.core_cages:,} cages, {options.core_concurrency} threads.")
    if cores < 4:
        say(f"  Two pollers are left out: of {cores} cores none would be left for everything else.")
    given = {"POLL_CONCURRENCY": options.core_concurrency}
    lines = _one_then_two(
        options.core_cages, given, options.minutes, apart=True, most=2 if cores >= 4 else 1
    )
    return [(f"{line[0]}, one core each, nothing else on it", *line[1:]) for line in lines]


def _one_then_two(cages, given, minutes, apart, most=2):
    """[(title, polls a minute, CPU s per 1,000 polls, part of a core), ...].

    apart: keep everything else off the pollers' cores.
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
                # A whole minute for its connections and threads.
                first += 2 * MINUTE
            slots = [first + number * MINUTE for number in range(minutes)]
            first = slots[-1] + MINUTE
            lines.append(_saturated(stack, slots, pollers))
    if most > 1:
        ratio = lines[1][1] / max(lines[0][1], 1)
        lines.append(("two ÷ one", f"{ratio:.2f}", "", ""))
    return [(line[0], *map(str, line[1:])) for line in lines]


def pin(stack, most, apart):
    """Give each poller a core of its own; apart: and all others only the other cores."""
    if not hasattr(psutil.Process, "cpu_affinity"):
        say("  This system cannot pin a process to a core; the figures are of unpinned ones.")
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
    # On Linux an affinity belongs to a thread; new ones take over that of whoever starts them.
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
    # The last polls of the last minute, and their way through the recorder.
    finished = PollCycle.objects.finished().filter(slot__in=slots)
    stack.wait_until(lambda: finished.count() == len(slots), "a cycle did not finish", 180)
    asked = [cycle.asked for cycle in finished]
    for cycle in finished.order_by("slot"):
        say(f"  {cycle}, {cycle.asked:,} asked in time")
    per_minute = round(statistics.median(asked))
    seconds = usage.cpu_seconds["poll"]
    title = "one poller" if pollers == 1 else f"{pollers} pollers"
    if not any(cycle.skipped for cycle in finished):
        title += " (every cage asked: not the most it can)"
    part = seconds / usage.seconds / pollers
    return title, per_minute, f"{seconds / max(sum(asked), 1) * 1000:.3f}", f"{part:.0%}"


def recording(options):
    """Row for one recorder process that empties a queue of prepared results."""
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
    """Queue what the pollers would have sent for so many past minutes; returns the slots."""
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
            # One in four fails, as the sensors do.
            results = [
                PollResult(cage_id, Outcome.UNAVAILABLE, 2000, 503)
                if (cage_id + slot.minute) % 4 == 0
                else PollResult(cage_id, Outcome.ANSWERED, 2000, 200, Health(1 + cage_id % 3))
                for cage_id in shard.cage_ids
            ]
            record_polls.delay(int(slot.timestamp()), encode(results))
    return slots


def _drain(stack, slots):
    """(seconds, Usage) from the first result that is taken to the last that is written."""
    import redis

    from cages.models import PollCycle

    finished = PollCycle.objects.finished().filter(slot__in=slots)
    with redis.from_url(stack.valkey.url) as client:
        all_of_them = client.llen("records")
        while client.llen("records") == all_of_them:
            stack.check()
            time.sleep(0.005)
    # Not with what the recorder used to start.
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
