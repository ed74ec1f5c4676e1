"""How long the pages take on months of minutes, one at a time, beside a bare Django view."""

import statistics
import sys
import time
from datetime import timedelta

from bench import facility, years

REPEATS = 25
# What the pages are to stay under, in ms.
WANTED = {
    "list": 300,
    "list, searched": 300,
    "a cage today": 300,
    "its history, 30 days": 500,
    "its history, a year": 800,
    "API: 10,000 readings": 1000,
}
MOST_QUERIES_OF_THE_LIST = 8


def main():
    parser = years.arguments(__doc__, cages=100, days=60)
    parser.add_argument("--export-minutes", type=int, default=10_000_000, help="at most")
    parser.add_argument(
        "--facility", action="store_true", help="the pages of light, marks and nights instead"
    )
    parser.add_argument("--there", metavar="URL", help="of a database that has the facility")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="requests of each page")
    parser.add_argument("--rounds", type=int, default=3, help="of the longer work of a facility")
    arguments = parser.parse_args()
    with years.database(arguments.on, arguments.there):
        if arguments.facility or arguments.there:
            owner, now = facility.load(arguments)
            with facility.at(now):
                held = _measure(owner, arguments, facility.addresses(now))
                facility.measure_work(owner, now, arguments.rounds)
            sys.exit(not held)
        owner = years.fill(arguments.cages, arguments.days, lambda _start: years.compress())
        years.compress()
        years.tell("")
        held = _measure(owner, arguments, _addresses())
        _export(arguments.export_minutes)
    sys.exit(not held)


def _measure(owner, arguments, addresses):
    from django.http import HttpResponse
    from django.test import Client
    from django.urls import path
    from django.utils import timezone

    from neurocage import urls
    from people.models import ApiToken

    urls.urlpatterns.append(path("bare/", lambda request: HttpResponse("bare")))
    _token, secret = ApiToken.objects.issue(owner, f"bench {time.time_ns()}", timezone.now())
    browser, program = Client(), Client(headers={"Authorization": f"Bearer {secret}"})
    browser.force_login(owner)
    print(f"{arguments.cages} cages, {arguments.days} days, on {arguments.on}\n")
    print("| page | queries | median | p95 | wanted | ÷ bare view | KB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    held, bare = True, None
    for name, address_of in addresses.items():
        client = program if name.startswith("API") else browser
        times, queries, size = times_of(client, address_of, arguments.repeats)
        median, p95 = statistics.median(times), sorted(times)[int(0.95 * len(times))]
        bare = bare or median
        wanted = WANTED.get(name)
        held = held and (wanted is None or p95 < wanted)
        held = held and (name != "list" or queries <= MOST_QUERIES_OF_THE_LIST)
        limit = f"{wanted} ms" if wanted else "–"
        row = (name, queries, f"{median:.1f} ms", f"{p95:.1f} ms", limit, f"{median / bare:.0f}")
        print("| " + " | ".join(map(str, (*row, round(size / 1000)))) + " |", flush=True)
    return held


def _addresses():
    """{page: what gives the address of its n-th request}: each about another cage."""
    from django.utils import timezone

    from cages.models import Cage

    ids = list(Cage.objects.order_by("pk").values_list("pk", flat=True))
    step = max(len(ids) // (REPEATS + 1), 1)
    today = timezone.localtime().date()
    year = f"from={today - timedelta(days=364)}&to={today}"
    fortnight = f"from={today - timedelta(days=14)}&to={today}"

    def cage(number):
        return ids[number * step % len(ids)]

    def eight(number):
        return "&".join(f"cage={ids[(number * step + one) % len(ids)]}" for one in range(8))

    return {
        "a bare Django view": lambda n: "/bare/",
        "list": lambda n: "/cages/",
        "list, searched": lambda n: f"/cages/?q=Cage+{n}",
        "a cage today": lambda n: f"/cages/{cage(n)}/",
        "its history, 30 days": lambda n: f"/cages/{cage(n)}/history/?span=30d",
        "its history, a year": lambda n: f"/cages/{cage(n)}/history/?{year}",
        "8 cages compared, 30 days": lambda n: f"/cages/compare/?{eight(n)}&span=30d",
        "API: 10,000 readings": lambda n: (
            f"/api/v1/readings?cage={cage(n)}&limit=10000&{fortnight}"
        ),
    }


def _export(most):
    """Minutes as CSV: how soon it begins, how fast it is, what memory it takes."""
    import psutil
    from django.utils import timezone

    from cages.exporting import files, rows
    from cages.exporting.columns import KINDS
    from cages.history.window import Window
    from cages.models import Cage, Poll

    memory = psutil.Process().memory_info
    some = Poll.objects.filter(cage=Cage.objects.order_by("pk").first()).order_by("slot")
    window = Window(some.first().slot, some.last().slot)
    cages = list(Cage.objects.order_by("pk").values_list("pk", "label", "created_at"))
    cages = cages[: max(most // window.minutes, 1)]
    zone = timezone.get_default_timezone()
    began, before, largest, lines, size = time.perf_counter(), memory().rss, 0, 0, 0
    head = None
    for piece in files.as_csv(KINDS["readings"], rows.readings(cages, window), zone):
        head = head or time.perf_counter() - began
        lines += piece.count(b"\n")
        size += len(piece)
        largest = max(largest, memory().rss)
    seconds = time.perf_counter() - began
    print(
        f"\nExport of {len(cages)} cages, {lines - 1:,} minutes, as CSV: {size / 1e6:,.0f} MB; ",
        end="",
    )
    print(f"first bytes after {1000 * head:.0f} ms, {lines / seconds:,.0f} rows a second, ", end="")
    print(f"{(largest - before) / 1e6:.0f} MB more memory")


def times_of(client, address_of, repeats=REPEATS):
    """([ms], number of queries, bytes) of so many requests, after one that is not counted."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        response = client.get(address_of(0))
        count = len(queries)
    if response.status_code != 200:
        sys.exit(f"{address_of(0)} answered {response.status_code}")
    times = []
    for number in range(1, repeats + 1):
        began = time.perf_counter()
        client.get(address_of(number))
        times.append(1000 * (time.perf_counter() - began))
    return times, count, len(response.content)


if __name__ == "__main__":
    main()
