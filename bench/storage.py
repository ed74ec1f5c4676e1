"""How small a year of minutes becomes, and how long the pages' queries take on it."""

import argparse
import statistics
import time
from datetime import timedelta
from functools import partial

from bench import years

REPEATS = 25


def main():
    arguments = _arguments()

    with years.database(arguments.on):
        began = time.monotonic()
        sizes = {}
        years.fill(arguments.cages, arguments.days, lambda _start: _note(sizes))
        seconds = time.monotonic() - began
        before = _sizes()
        years.compress()
        years.tell("")
        print(f"{arguments.cages} cages, {arguments.days} days, on {arguments.on}: ", end="")
        print(f"generated in {seconds:.0f} s")
        _print_sizes(sizes or before, _sizes())
        _print_times(arguments.days)


def _note(sizes):
    if not sizes:
        sizes.update(_sizes())


def _sizes():
    """{table or roll-up: (rows, bytes)}, the rows counted."""
    from django.db import connection

    from cages.storage import report

    found = {}
    with connection.cursor() as cursor:
        for one in report.series(connection):
            cursor.execute(f"SELECT count(*) FROM {one.name}")  # noqa: S608
            found[one.name] = (cursor.fetchone()[0], one.size_bytes)
    return found


def _print_sizes(first_week, now):
    from cages import storage

    compressed = _compressed(now)
    print("\n| | rows | bytes a row, as written | bytes a row, compressed |")
    print("|---|---:|---:|---:|")
    for name, (rows, _size) in now.items():
        early_rows, early_size = (0, 0) if name in storage.ROLLUPS else first_week.get(name, (0, 0))
        early = f"{early_size / early_rows:.1f}" if early_rows else "–"
        print(f"| {name} | {rows:,} | {early} | {compressed.get(name, '–')} |")
    if compressed:
        minutes, _size = now[storage.POLLS]
        total = sum(compressed[name] * now[name][0] for name in compressed) / minutes
        print(f"\nBytes a minute of a cage, compressed, with all roll-ups: {total:.2f}")


def _compressed(names):
    """{table or roll-up: bytes a row in its compressed chunks}; empty on plain PostgreSQL."""
    from django.db import connection

    from cages import storage
    from cages.storage import layout

    found = {}
    if not storage.timescaledb_version(connection):
        return found
    with connection.cursor() as cursor:
        for name in names:
            table = layout.rows_of_rollup(cursor, name) or f"public.{name}"
            time = "slot" if name == storage.POLLS else "bucket"
            cursor.execute(
                """SELECT max(range_end) FROM timescaledb_information.chunks
                   WHERE format('%%I.%%I', hypertable_schema, hypertable_name) = %s
                     AND is_compressed""",
                [table],
            )
            (end,) = cursor.fetchone()
            if end is None:
                continue
            cursor.execute(
                f"""SELECT (SELECT sum(after_compression_total_bytes)
                            FROM hypertable_compression_stats(%s)) / count(*)
                    FROM {table} WHERE {time} < %s""",  # noqa: S608
                [table, end],
            )
            found[name] = round(float(cursor.fetchone()[0]), 2)
    return found


def _print_times(days):
    from django.utils import timezone

    from cages.history.band import expected
    from cages.history.buckets import buckets_of
    from cages.history.minutes import minutes_of
    from cages.history.moment import around
    from cages.history.today import sensor_in
    from cages.history.window import Window
    from cages.models import Cage, Poll

    now = timezone.now()
    today = timezone.localtime(now).date()
    cages = list(Cage.objects.order_by("pk")[:50])
    cage, eight = cages[0], [one.pk for one in cages[:8]]

    def last(count):
        return Window.of_days(today - timedelta(days=count - 1), today, now)

    day, month, year = last(1), last(30), last(days)
    newest = Poll.objects.of(cage, day)
    work = {
        "a cage: minutes of today": lambda: minutes_of([cage.pk], day),
        "a cage: requests of today": lambda: sensor_in(cage, day),
        "a cage: its band, from the last week": lambda: expected(cage, day, 1000),
        "a cage: a page of requests": lambda: list(newest[:60]),
        "a minute in its context": lambda: around(cage, now - timedelta(days=days // 2), now),
        "minutes of a month": lambda: minutes_of([cage.pk], month),
        "minutes of 90 days": lambda: minutes_of([cage.pk], last(90)),
    }
    for step in ("day", "hour"):
        for words, window in (("a month", month), (f"{days} days", year)):
            work[f"{words} by {step}"] = partial(buckets_of, [cage.pk], window, step == "hour")
    for words, window in (("a month", month), (f"{days} days", year)):
        work[f"8 cages, {words} by day"] = partial(buckets_of, eight, window, False)
    print("\n| queries | median | p95 |\n|---|---:|---:|")
    medians = {}
    for name, run in work.items():
        times = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            run()
            times.append(1000 * (time.perf_counter() - began))
        medians[name] = statistics.median(times)
        print(f"| {name} | {medians[name]:.0f} ms | {years.percentile_95(times):.0f} ms |")
    print()
    for what in ("{} by day", "{} by hour", "8 cages, {} by day"):
        growth = medians[what.format(f"{days} days")] / medians[what.format("a month")]
        print(f"{what.format(f'{days} days')}: {growth:.1f} times as long as a month.")


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cages", type=int, default=10)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--on", choices=("timescaledb", "postgresql"), default="timescaledb")
    return parser.parse_args()


if __name__ == "__main__":
    main()
