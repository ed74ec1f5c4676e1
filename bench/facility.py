"""The generated facility as `bench.pages --facility` measures it: its pages, and longer work."""

import statistics
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock

from bench import years

# Days of the file of looks for an inspection.
HALF_A_YEAR = 182
# (cages, days) of study packages.
STUDIES = ((8, 14), (40, 90))


def load(arguments):
    """Return (the owner, when the minutes end). Prints how fast it was written, if it was now."""
    from django.db import connection
    from django.utils import timezone

    from cages.demo import facility
    from cages.models import PollCycle
    from cages.slots import SLOT_LENGTH
    from people.models import User

    if arguments.there:
        newest = PollCycle.objects.latest("slot").slot
        return User.objects.administrators()[0], newest + SLOT_LENGTH
    owner = User.objects.create_superuser("bench")
    size = facility.Size(arguments.cages, arguments.days, timezone.now())
    began = time.monotonic()
    facility.load(owner, size, progress=years.tell)
    seconds = time.monotonic() - began
    rows = arguments.cages * size.window.minutes
    years.compress()
    with connection.cursor() as cursor:
        # As autovacuum does in time.
        cursor.execute("VACUUM (ANALYZE)")
    years.tell("")
    print(f"Generated {rows:,} minutes in {seconds:.0f} s: {rows / seconds:,.0f} a second\n")
    return owner, size.window.end


@contextmanager
def at(now):
    """Let pages believe that it is the moment at which the minutes end."""
    with mock.patch("django.utils.timezone.now", return_value=now):
        yield


def addresses(now):
    """{page: what gives the address of its n-th request}."""
    from django.utils.timezone import localtime

    from cages.models import Cage, Rack, Study
    from welfare.models import Concern, NightSheet, Round

    ids = list(Cage.objects.active().order_by("pk").values_list("pk", flat=True))
    racks = list(Rack.objects.values_list("pk", flat=True))
    sheets = [(one.room_id, localtime(one.ends_at).date()) for one in NightSheet.objects.all()]
    made = list(Round.objects.order_by("pk").values_list("pk", flat=True))
    concerns = list(Concern.objects.order_by("pk").values_list("pk", flat=True))
    study = Study.objects.latest("pk").pk

    def one_of(rows, number):
        return rows[number * 7 % len(rows)]

    def cage(number):
        return one_of(ids, number)

    def sheet(number):
        room, day = one_of(sheets, number)
        return f"/night/{room}/{day}/"

    return {
        "list": lambda n: "/cages/",
        "a cage today": lambda n: f"/cages/{cage(n)}/",
        "its history, 30 days": lambda n: f"/cages/{cage(n)}/history/?span=30d",
        "its rhythm, 30 days": lambda n: f"/cages/{cage(n)}/rhythm/?span=30d",
        "its rhythm, 90 days": lambda n: f"/cages/{cage(n)}/rhythm/?span=90d",
        "its animals": lambda n: f"/cages/{cage(n)}/animals/",
        "rhythm of a group, 7 days": lambda n: f"/rhythm/?span=7d&group=control&cage={n}",
        "light": lambda n: f"/light/?n={n}",
        "marks": lambda n: f"/marks/?n={n}",
        "a rack": lambda n: f"/racks/{one_of(racks, n)}/",
        "nights": lambda n: "/night/",
        "a night sheet": sheet,
        "rounds": lambda n: "/rounds/",
        "a round": lambda n: f"/rounds/{one_of(made, n)}/",
        "looks, 7 days": lambda n: "/looks/",
        "looks, 28 days": lambda n: "/looks/?days=28",
        "desk": lambda n: "/concerns/",
        "a concern": lambda n: f"/concerns/{one_of(concerns, n)}/",
        "a study": lambda n: f"/studies/{study}/",
    }


def measure_work(owner, now, rounds):
    """Print how long night sheets, the file of looks and study packages take."""
    print("\n| work | seconds, median of rounds | |\n|---|---:|---|")
    _measure_nights(owner, now, rounds)
    _measure_looks(now, rounds)
    _measure_studies(owner, now, rounds)


def _timed(work, rounds):
    """(median seconds of so many rounds, what the last round returned)."""
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), result


def _row(name, seconds, words):
    print(f"| {name} | {seconds:.1f} | {words} |", flush=True)


def _measure_nights(owner, now, rounds):
    """All active cages as if they stood in one room: the largest sheet that is asked for."""
    from django.db import transaction

    from cages.history.window import Window
    from cages.models import Cage, Room
    from people.access import Access
    from welfare.models import NightSheet
    from welfare.night import paper
    from welfare.night.facts import facts_of
    from welfare.night.sheet import sheet_of

    kept = NightSheet.objects.order_by("pk").first()
    span = Window(kept.begins_at, kept.ends_at)
    with transaction.atomic():
        room = Room.objects.create(name="All")
        Cage.objects.update(room=room)
        seconds, facts = _timed(lambda: facts_of(room.pk, span), rounds)
        told = NightSheet(
            room=room, begins_at=span.start, ends_at=span.end, made_at=now, facts=facts
        )
        seen = Access(owner).sees(Cage.objects.all())
        printing, pdf = _timed(lambda: paper.paper_of(told, sheet_of(told, seen, now)), rounds)
        transaction.set_rollback(True)
    pages = pdf.count(b"/Type /Page\n")
    words = f"{facts['cages']} cages, {len(facts['lines'])} of them with something to say"
    _row("night sheet of all cages", seconds, words)
    _row("the same as PDF", printing, f"{pages} pages")


def _measure_looks(now, rounds):
    from django.utils.timezone import localtime

    from cages.models import Cage
    from welfare import looks_file

    last = localtime(now).date()
    cages = list(Cage.objects.select_related("room", "rack").order_by("pk"))
    for days in (28, HALF_A_YEAR):
        first = last - timedelta(days=days - 1)

        def make(first=first):
            return sum(
                piece.count(b"\n") for piece in looks_file.csv_pieces(cages, first, last, now)
            )

        seconds, rows = _timed(make, rounds)
        _row(f"looks of {days} days as CSV", seconds, f"{len(cages)} cages, {rows - 1:,} rows")


def _measure_studies(owner, now, rounds):
    from cages.exporting.study.order import StudyOrder
    from cages.exporting.study.package import StudyPackage
    from cages.exporting.study.verify import verify
    from cages.history.handling import margin
    from cages.history.window import Window
    from cages.models import Cage, PollCycle, Study

    first = PollCycle.objects.earliest("slot").slot
    for count, days in STUDIES:
        cages = list(Cage.objects.order_by("pk").values_list("pk", "label", "created_at")[:count])
        window = Window(max(now - timedelta(days=days), first), now)
        order = StudyOrder(cages, window, margin(), [])
        study = Study.objects.create(title="bench", by="bench", made_at=now, order=order.to_json())
        study.cages.set([cage_id for cage_id, *_rest in cages])
        with tempfile.NamedTemporaryFile(suffix=".zip") as file:

            def make(study=study, file=file):
                file.seek(0)
                file.truncate()
                for piece in StudyPackage(study).pieces():
                    file.write(piece)
                file.flush()
                return file.tell()

            seconds, size = _timed(make, rounds)
            words = f"{count} cages, {order.most_rows:,} minutes, {size / 1e6:.1f} MB"
            _row("study package", seconds, words)
            checking, found = _timed(lambda file=file: verify(file.name), rounds)
            _row("verify-study of it", checking, f"{len(found.wrong)} wrong")
        study.delete()
