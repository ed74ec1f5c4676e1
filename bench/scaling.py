"""`python -m bench.scaling`: do two pollers poll twice as many cages as one?

One poller process, then two, each on a core of its own, with more cages than they can poll. A
process is limited by its threads (each waits 2 s for an answer on average), not by its core,
because sensors, database and Redis need the same cores. So this shows whether anything that the
pollers share (queue, recorder, database) slows them down. `bench.recording` measures the recorder.
"""

import argparse
import statistics
import sys

import psutil

from bench.stack import MINUTE, Stack, Trouble, end_cleanly, say
from bench.usage import Usage
from local_stack.processes import StackError

MEAN_LATENCY_SECONDS = 2
POLLED_SECONDS = 60


def main():
    options = argparse.ArgumentParser(prog="python -m bench.scaling")
    options.add_argument("--minutes", type=int, default=3, help="measured minutes of each case")
    options.add_argument("--concurrency", type=int, default=300, help="threads of a poller")
    options = options.parse_args()
    end_cleanly()
    try:
        lines = measure(options.concurrency, options.minutes)
    except (Trouble, StackError) as error:
        sys.exit(f"bench: {error}")
    say("\n| measured | polls a minute | CPU s per 1,000 | of its core |\n|---|---:|---:|---:|")
    for line in lines:
        say(f"| {' | '.join(map(str, line))} |")
    say(f"\nTwo pollers poll {lines[1][1] / max(lines[0][1], 1):.2f} times as many as one.")


def measure(concurrency, minutes):
    """Return [(title, polls a minute, CPU s per 1,000 polls, share of a core), ...]."""
    carried = concurrency * POLLED_SECONDS // MEAN_LATENCY_SECONDS
    cages = 3 * carried
    say(f"{cages:,} cages; about {carried:,} a minute are the most for one poller.")
    # Enough shards for two pollers: the first one takes as many as it can hold.
    given = {"POLL_CONCURRENCY": concurrency, "POLL_SHARD_SIZE": min(500, max(cages // 64, 1))}
    lines = []
    with Stack(1, given=given) as stack:
        stack.start_servers()
        stack.prepare_database(cages)
        stack.start_sensors()
        stack.start_workers()
        pin(stack)
        first = stack.start_beat() + MINUTE
        for pollers in (1, 2):
            if pollers > 1:
                stack.start_poller(f"poller{pollers}")
                stack.wait_for_workers()
                pin(stack)
                # The new poller gets a whole minute to open connections and start threads.
                first += 2 * MINUTE
            slots = [first + number * MINUTE for number in range(minutes)]
            first = slots[-1] + MINUTE
            lines.append(_saturated(stack, slots, pollers))
    return lines


def pin(stack):
    """Pin each poller to a core of its own."""
    if not hasattr(psutil.Process, "cpu_affinity"):
        say("  This system cannot pin processes to cores, so they are not pinned.")
        return
    cores = psutil.Process().cpu_affinity()
    for number, child in enumerate(stack.groups["poll"]):
        process = psutil.Process(child.pid)
        for each in (process, *process.children(recursive=True)):
            _pin_all_threads(each, [cores[number % len(cores)]])


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


if __name__ == "__main__":
    main()
