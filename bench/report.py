"""The results as a table with a column for each run, and what went wrong in a run."""

import statistics

from bench.stack import say

OURS = {
    "start": "start (beat and start_slot)",
    "poll": "poll",
    "record": "record",
    "broker": "broker (Valkey)",
    "database": "database (PostgreSQL)",
    "web": "web, idle",
}
NONE = "–"


def per_thousand(result, *groups):
    """Return the CPU seconds per 1,000 polls of the groups together."""
    seconds = sum(result["cpu_seconds"].get(group, 0) for group in groups)
    return seconds / max(result["recorded"], 1) * 1000


def rows(result):
    """Return the measures of a run as [(title, text), ...], with the same titles for every run."""
    cycle, started = result["cycle_seconds"], result["started_seconds"]
    most_ms, largest_ms = result["lateness_ms"]
    return [
        ("pollers", f"{result['pollers']}"),
        ("polls planned", f"{result['planned']:,}"),
        ("polls recorded", f"{result['recorded']:,}"),
        ("skipped, missing, doubled", "{skipped:,}, {missing:,}, {doubled:,}".format_map(result)),
        ("cycle, median", _seconds(statistics.median(cycle)) if cycle else NONE),
        ("cycle, longest", _seconds(max(cycle)) if cycle else NONE),
        ("start_slot begins, latest", _seconds(max(started)) if started else NONE),
        *(
            (f"CPU s per 1,000 polls: {title}", f"{per_thousand(result, group):.3f}")
            for group, title in OURS.items()
        ),
        ("CPU s per 1,000 polls: in all", f"{per_thousand(result, *OURS):.3f}"),
        *(
            (f"peak {result['memory_kind']}, MB: {title}", _megabytes(result, group))
            for group, title in OURS.items()
        ),
        (f"peak {result['memory_kind']}, MB, in all", _megabytes(result, "total")),
        ("answers of the sensors", f"{result['served']:,}"),
        ("equal row by row", f"{result['compared']:,}"),
        ("differences", f"{result['differences']:,}"),
        ("recorded − real latency, ms: 99.9 %", _number(most_ms)),
        ("recorded − real latency, ms: largest", _number(largest_ms)),
        ("most requests in one second", f"{result['busiest_second']:,}"),
        ("CPU s per 1,000 polls: the sensors", f"{per_thousand(result, 'sensors'):.3f}"),
        (
            "CPU of other programs, cores",
            f"{result['others_cpu_seconds'] / result['measured_seconds']:.2f}",
        ),
        ("held", "no" if result["failures"] else "yes"),
    ]


def _seconds(seconds):
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s"


def _megabytes(result, group):
    return f"{result['peak_bytes'].get(group, 0) / 1e6:,.0f}"


def _number(number):
    return NONE if number is None else f"{number:,}"


def show_trouble(result):
    """Print what a person should look at of one run."""
    lines = [f"log of {name}: {line[:200]}" for name, line in result["log"]]
    for line in lines[:10]:
        say(f"  {line}")
    if len(lines) > 10:
        say(f"  ... and {len(lines) - 10} more lines in the logs")
    for kind, count in result["kinds"].items():
        say(f"DIFFERENT: {kind}: {count:,}")
    for example in result["examples"]:
        say(f"  {example}")
    for failure in result["failures"]:
        say(f"FAILED: {failure}")


def markdown(results):
    """Return the runs as a Markdown table with a column for each, under the date and machine."""
    heads = [f"{result['cages']:,} cages" for result in results]
    given = ", ".join(results[0]["set"]) or "default settings"
    lines = ["{date}: {machine}; {versions}; {given}.".format_map(results[0] | {"given": given})]
    lines += ["", f"| | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for row in zip(*(rows(result) for result in results), strict=True):
        lines.append(f"| {row[0][0]} | {' | '.join(text for _, text in row)} |")
    return "\n".join(lines)
