"""How small a year of minutes becomes."""

import time

from bench import years


def main():
    arguments = years.arguments(__doc__, cages=10, days=365).parse_args()
    with years.database(arguments.on):
        began = time.monotonic()
        sizes = {}
        years.fill(arguments.cages, arguments.days, lambda _start: sizes or sizes.update(_sizes()))
        seconds = time.monotonic() - began
        before = _sizes()
        years.compress()
        years.tell("")
        print(f"{arguments.cages} cages, {arguments.days} days, on {arguments.on}: ", end="")
        print(f"generated in {seconds:.0f} s")
        _print_sizes(sizes or before, _sizes())


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


if __name__ == "__main__":
    main()
