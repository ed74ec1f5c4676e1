"""How long the pages take, and how large they are, with many cages on one account.

`python -m bench.many` prints one table: for each page the median time of several requests, one at a
time, in the test client of Django, on the embedded PostgreSQL, and the mean CPU time of Python and
of the database together. There are 80 cages in a rack and 25 racks in a room. About 2 in 100 cages
are Bad, 1 is unseen, 1 is paused, and 1 stands in no bay.
"""

import argparse
import statistics
import sys
from datetime import timedelta

import psutil

from bench import pages, years
from bench.usage import cpu_seconds

ROOMS = 25
REPEATS = 7
# What each page is to stay under.
WANTED_MS, WANTED_KB = 250, 150
STATES = """
    INSERT INTO cages_cagestate
        (cage_id, reading_slot, outcome_slot, outcome_since, status_since, known_count, same_count,
         unanswered_count, status, outcome, is_since_known, minutes)
    SELECT id, slot - silent * interval '1 minute', slot, slot,
           slot - (silent + lasting) * interval '1 minute', lasting + 1, lasting + 1, 0,
           status, CASE WHEN silent = 0 THEN 1 ELSE 2 END, true,
           repeat(status::text || '4', 30) || status::text
    FROM (
        SELECT id, %s::timestamptz AS slot,
               CASE WHEN random() < 0.01 THEN 200 WHEN random() < 0.25 THEN 1 ELSE 0 END AS silent,
               (random() * 600)::int AS lasting,
               CASE WHEN random() < 0.02 THEN 1 WHEN random() < 0.3 THEN 2 ELSE 3 END AS status
        FROM cages_cage
    ) AS made
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cages", type=int, default=50_000)
    arguments = parser.parse_args()
    with years.database("postgresql"):
        owner = fill(arguments.cages)
        held = measure(owner)
    sys.exit(not held)


def fill(count):
    """Make so many cages with a state each; returns their owner, who is an administrator."""
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from cages.models import Cage, PollCycle
    from cages.slots import slot_of
    from people.models import User

    owner = User.objects.create_superuser("bench")
    for room in range(ROOMS):
        years.tell(f"room {room + 1} of {ROOMS}")
        call_command("make_cages", count // ROOMS, owner="bench", room=f"Room {room + 1}")
    created = timezone.now() - timedelta(days=3)
    Cage.objects.update(created_at=created, updated_at=created)
    Cage.objects.extra(where=["id %% 97 = 0"]).update(is_polled=False)
    Cage.objects.extra(where=["id %% 101 = 0"]).update(row="", column=None)
    newest = slot_of(timezone.now()) - timedelta(minutes=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(STATES, [newest])
        cursor.execute("VACUUM (ANALYZE)")
    PollCycle.objects.bulk_create(
        PollCycle(
            slot=newest - timedelta(minutes=back),
            started_at=newest - timedelta(minutes=back),
            finished_at=timezone.now() if not back else newest,
            duration_ms=30_000,
            planned=count,
            answered=int(count * 0.75),
            unavailable=count - int(count * 0.75),
        )
        for back in range(7 * 24 * 60)
    )
    return owner


def measure(owner):
    """Print the table. Returns whether every page held what is wanted."""
    from django.db import connection
    from django.test import Client

    browser = Client()
    browser.force_login(owner)
    busy = psutil.Process(), psutil.Process(connection.connection.info.backend_pid)
    print("| page | queries | median | CPU | wanted | KB |\n|---|---:|---:|---:|---:|---:|")
    held = True
    for name, address in _addresses().items():
        # The first request also loads code and templates.
        browser.get(address)
        before = cpu_seconds(*busy)
        times, queries, size = pages.times_of(browser, lambda _number, url=address: url, REPEATS)
        cpu_ms = 1000 * (cpu_seconds(*busy) - before) / (REPEATS + 1)
        median = statistics.median(times)
        held = held and median < WANTED_MS and size < WANTED_KB * 1000
        row = (name, queries, f"{median:.0f} ms", f"{cpu_ms:.0f} ms", f"{WANTED_MS} ms")
        row = (*row, f"{size / 1000:.0f}")
        print("|", " | ".join(map(str, row)), "|", flush=True)
    return held


def _addresses():
    from cages.models import Cage

    cage = Cage.objects.exclude(column=None).order_by("pk")[Cage.objects.count() // 2]
    return {
        "list": "/cages/",
        "list, Bad": "/cages/?state=bad",
        "list, Perfect, page 300": "/cages/?state=perfect&page=300",
        "list, searched": "/cages/?q=C0123",
        "list by label, page 400": "/cages/?order=label&page=400",
        "list by position": "/cages/?order=position",
        "list by position, page 400": "/cages/?order=position&page=400",
        "a cage": f"/cages/{cage.pk}/",
        "a cage, by position": f"/cages/{cage.pk}/?order=position",
        "racks": "/racks/",
        "a room's racks": f"/racks/?room={cage.room_id}",
        "a rack": f"/racks/{cage.rack_id}/",
        "rack sheet": f"/racks/{cage.rack_id}/sheet/",
        "wall, choice of rooms": "/wall/",
        "wall of a room": f"/wall/?room={cage.room_id}",
        "cards": "/cages/cards/?which=all",
        "operations": "/ops/",
    }


if __name__ == "__main__":
    main()
