"""The eyes-on ledger in a study package, and what the methods say of it."""

import csv
import io
import zipfile
from datetime import date, timedelta

import pytest

from cages.exporting.study.checking import pieces_of
from cages.exporting.study.order import StudyOrder
from cages.history.window import Window
from cages.models import Study
from cages.models.mark import BuiltIn
from tests.factories import at, make_animal, make_cage, make_mark
from tests.pages import queries_of
from welfare.study_looks import COLUMNS

NOW = at("12:00")
DAY = timedelta(days=1)
SUNDAY = date(2026, 3, 1)
# From Sunday morning to Monday morning.
WINDOW = Window(at("06:00") - DAY, at("06:00"))
pytestmark = pytest.mark.usefixtures("clock")


def ordered(*cages):
    pairs = [(cage.pk, cage.label, cage.created_at) for cage in cages]
    order = StudyOrder(pairs, WINDOW, None, []).to_json()
    study = Study.objects.create(title="Sleep", by="anna", made_at=NOW, order=order)
    study.cages.set(cages)
    return study


def read(study):
    """(the rows of looks.csv, the text of methods.md)"""
    content = io.BytesIO(b"".join(pieces_of(Study.objects.get(pk=study.pk), NOW)))
    with zipfile.ZipFile(content) as archive:
        looks, methods = (archive.read(name).decode() for name in ("looks.csv", "methods.md"))
    return list(csv.DictReader(io.StringIO(looks, newline=""))), methods


@pytest.fixture
def cage(user):
    return make_cage("Colony", user)


def test_each_cage_and_day_is_one_row(cage, user):
    make_mark(cage, at("08:30"), kind=BuiltIn.WEIGHING)
    empty = make_cage("Empty", user)
    make_animal(empty, since=SUNDAY, until=SUNDAY + DAY)
    rows, _methods = read(ordered(cage, empty))
    assert list(rows[0]) == [column.name for column in COLUMNS]
    assert [tuple(row.values())[1:] for row in rows] == [
        ("Colony", "2026-03-01", "not_looked_at", "0", ""),
        ("Colony", "2026-03-02", "looked_at", "1", "2026-03-02T08:30:00"),
        ("Empty", "2026-03-01", "not_looked_at", "0", ""),
        ("Empty", "2026-03-02", "not_housed", "0", ""),
    ]


def test_the_methods_say_how_often_staff_saw_the_animals(cage):
    make_mark(cage, at("08:30"), kind=BuiltIn.WEIGHING)
    _rows, methods = read(ordered(cage))
    assert "saw the animals on 1 of 2 days on which cages were housed" in methods
    assert "- 16c (frequency of monitoring): looks.csv" in methods


def test_a_look_noted_later_is_a_difference(cage):
    study = ordered(cage)
    read(study)
    make_mark(cage, at("05:00"), kind=BuiltIn.WEIGHING)
    read(study)
    study.refresh_from_db()
    assert ["file", {"name": "looks.csv"}] in study.differences


def test_a_purged_cage_has_no_days(cage, user):
    study = ordered(cage, gone := make_cage("Gone", user))
    gone.delete()
    rows, _methods = read(study)
    assert {row["label"] for row in rows} == {"Colony"}


def test_more_cages_of_a_batch_cost_only_the_queries_of_their_minutes(cage, user):
    more = [make_cage(owner=user) for _number in range(4)]
    one, five = ordered(cage), ordered(cage, *more)
    assert queries_of(read, five) == queries_of(read, one) + len(more)
