"""Several runs of `bench.polling`, one after the other: the table of growth, and the limit.

Each run is a process of its own with servers of its own, so that none inherits anything.
"""

import json
import tempfile
from pathlib import Path

from bench import report
from bench.stack import run_program, say

LIMIT_STEPS = range(50_000, 100_001, 10_000)


def run(options):
    """Run what the options of `bench.polling` ask for; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="neurocage-bench-") as folder:
        if options.find_limit:
            return find_limit(options, Path(folder))
        results = [one(options, cages, Path(folder)) for cages in options.cages]
    measured = [result for result in results if result]
    say()
    if measured:
        say(report.head(measured[0]))
        say()
        say(report.table(measured))
    if measured and options.markdown:
        say()
        say(report.markdown(measured))
    failed = [
        f"{cages:,} cages: {'; '.join(result['failures']) if result else 'not measured'}"
        for cages, result in zip(options.cages, results, strict=True)
        if not result or result["failures"]
    ]
    for failure in failed:
        say(f"FAILED: {failure}")
    return bool(failed)


def find_limit(options, folder):
    """Step up to the first number of cages that fails twice; print the largest that held."""
    held, lines = None, []
    for cages in sorted(options.cages or LIMIT_STEPS):
        # Something else may have kept the machine busy, once.
        for attempt in (1, 2):
            result = one(options, cages, folder)
            why = "; ".join(result["failures"]) if result else "not measured"
            lines.append(f"{cages:>9,} cages, attempt {attempt}: {why or 'held'}{_cost(result)}")
            if not why:
                held = cages
                break
        if held != cages:
            break
    say()
    for line in lines:
        say(line)
    say(
        f"The largest that held for {options.minutes} minutes: {held:,} cages."
        if held
        else "None held."
    )
    return held is None


def _cost(result):
    if not result or not result["cycle_seconds"]:
        return ""
    total = report.per_thousand(result, *report.OURS)
    longest = max(result["cycle_seconds"])
    return f"; longest cycle {longest:.1f} s, {total:.3f} CPU s per 1,000 polls in all"


def one(options, cages, folder):
    """One run; its figures, or None where it could not be measured."""
    file = folder / f"{cages}.json"
    file.unlink(missing_ok=True)
    command = ["-m", "bench.polling", "--cages", cages, "--result", file]
    command += ["--minutes", options.minutes, "--seed", options.seed]
    command += ["--pollers", options.pollers] if options.pollers else []
    bare = options.bare_loop and not options.find_limit
    command += ["--bare-loop" if bare else "--no-bare-loop"]
    for setting in options.set:
        command += ["--set", setting]
    say(f"\n== {cages:,} cages, {options.minutes} minutes")
    run_program(*command)
    return json.loads(file.read_text()) if file.exists() else None
