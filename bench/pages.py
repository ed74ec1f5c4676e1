"""How long the pages take on months of minutes, one at a time, beside a bare Django view."""

import argparse
import statistics
import sys
import time
from datetime import timedelta

from bench import years

REPEATS = 25
# What the pages are to stay under, in ms.
WANTED = {"list": 300, "today": 300, "30 days": 500, "a year": 800}


def main():
    arguments = _arguments()

    with years.database(arguments.on):
        owner = years.fill(arguments.cages, arguments.days, lambda _start: years.compress())
        years.compress()
        years.tell("")
        held = _measure(owner, arguments)
        _export()
    sys.exit(not held)


def _measure(owner, arguments):
    from django.http import HttpResponse
    from django.test import Client
    from django.urls import path
    from django.utils import timezone

    from cages.models import Cage
    from neurocage import urls

    urls.urlpatterns.append(path("bare/", lambda request: HttpResponse("bare")))
    browser = Client()
    browser.force_login(owner)
    cage = Cage.objects.order_by("pk").first()
    today = timezone.localtime().date()
    year = f"from={today - timedelta(days=365)}&to={today}"
    pages = {
        "bare": "/bare/",
        "list": "/cages/",
        "today": f"/cages/{cage.pk}/",
        "30 days": f"/cages/{cage.pk}/history/?span=30d",
        "a year": f"/cages/{cage.pk}/history/?{year}",
    }
    print(f"{arguments.cages} cages, {arguments.days} days, on {arguments.on}\n")
    print("| page | queries | median | p95 | wanted | ÷ bare view | KB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    held, bare = True, None
    for name, address in pages.items():
        times, queries, size = _times(browser, address)
        median, p95 = statistics.median(times), sorted(times)[int(0.95 * len(times))]
        bare = bare or median
        wanted = WANTED.get(name)
        held = held and (wanted is None or p95 < wanted) and (name != "list" or queries <= 8)
        limit = f"{wanted} ms" if wanted else "–"
        row = (name, queries, f"{median:.1f} ms", f"{p95:.1f} ms", limit, f"{median / bare:.0f}")
        print("| " + " | ".join(map(str, (*row, round(size / 1000)))) + " |", flush=True)
    return held


def _export():
    """All minutes of all cages as CSV: how soon it begins, how fast it is, what memory it takes."""
    import psutil
    from django.utils import timezone

    from cages.exporting import files, rows
    from cages.exporting.columns import KINDS
    from cages.history.window import Window
    from cages.models import Cage, SensorRequest

    memory = psutil.Process().memory_info
    first = SensorRequest.objects.order_by("slot").values_list("slot", flat=True).first()
    window = Window(first, SensorRequest.objects.latest("slot").slot)
    began, before, largest, lines = time.perf_counter(), memory().rss, 0, 0
    cages = list(Cage.objects.order_by("pk").values_list("pk", "label"))
    zone = timezone.get_default_timezone()
    head = None
    for piece in files.as_csv(KINDS["readings"], rows.readings(cages, window), zone):
        head = head or time.perf_counter() - began
        lines += piece.count(b"\n")
        largest = max(largest, memory().rss)
    seconds = time.perf_counter() - began
    print(f"\nExport of {lines:,} minutes as CSV: first bytes after {1000 * head:.0f} ms, ", end="")
    print(f"{lines / seconds:,.0f} rows a second, {(largest - before) / 1e6:.0f} MB more memory")


def _times(browser, address):
    """([ms], number of queries, bytes) of so many requests, after one that is not counted."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        response = browser.get(address)
        count = len(queries)
    if response.status_code != 200:
        sys.exit(f"{address} answered {response.status_code}")
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        browser.get(address)
        times.append(1000 * (time.perf_counter() - began))
    return times, count, len(response.content)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cages", type=int, default=100)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--on", choices=("timescaledb", "postgresql"), default="timescaledb")
    return parser.parse_args()


if __name__ == "__main__":
    main()
