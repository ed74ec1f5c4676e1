"""Why a minute of an export is not known: each reason, and which one comes first."""

import pytest

from cages.exporting import rows
from cages.exporting.columns import KINDS
from cages.history.window import Window
from cages.models import CageEvent, EventKind, Health, Outcome, PollCycle
from tests.factories import MINUTE, at, make_cage, make_cycle, record_minutes, slot

WINDOW = Window(at("06:00"), at("06:10"))
# One column for the moment instead of three.
WHY = [column.name for column in KINDS["readings"]].index("why_not_known") - 2
pytestmark = pytest.mark.django_db


def whys(cage):
    (batch,) = rows.readings([(cage.pk, cage.label, cage.created_at)], WINDOW)
    return [row[WHY] for row in batch]


def happened(cage, kind, clock):
    CageEvent.objects.note(kind, [cage], at(clock), None)


@pytest.fixture
def cage():
    for number in range(10):
        make_cycle(slot("06:00") + number * MINUTE, planned=1)
    return make_cage()


def test_a_poll_tells_its_reason_itself(cage):
    record_minutes(cage, slot("06:00"), [Health.OK, Outcome.TIMEOUT, Outcome.SKIPPED])
    assert whys(cage)[:4] == [None, "unanswered", "skipped", "no_record"]


def test_without_a_cycle_nobody_was_watching(cage):
    PollCycle.objects.filter(slot__gte=at("06:04"), slot__lt=at("06:07")).delete()
    assert whys(cage) == ["no_record"] * 4 + ["outage"] * 3 + ["no_record"] * 3


def test_a_pause_and_the_archive_are_told_from_the_events(cage):
    happened(cage, EventKind.PAUSED, "06:01:30")
    happened(cage, EventKind.RESUMED, "06:04")
    happened(cage, EventKind.ARCHIVED, "06:08")
    assert whys(cage) == [
        *("no_record", "no_record", "paused", "paused"),
        *("no_record", "no_record", "no_record", "no_record", "archived", "archived"),
    ]


def test_a_cage_that_began_paused_was_paused_until_it_was_resumed(cage):
    happened(cage, EventKind.RESUMED, "06:03")
    assert whys(cage)[:4] == ["paused", "paused", "paused", "no_record"]


def test_a_pause_that_began_before_the_window_lasts(cage):
    happened(cage, EventKind.PAUSED, "05:00")
    assert whys(cage) == ["paused"] * 10


def test_what_is_said_of_the_cage_comes_before_an_outage():
    cage = make_cage(created_at=at("06:02:10"))
    happened(cage, EventKind.PAUSED, "06:05")
    happened(cage, EventKind.ARCHIVED, "06:07")
    expected = ["before_cage", "outage", "outage", "paused", "paused", "archived"]
    assert whys(cage)[:6] == expected


def test_a_paused_cage_with_a_poll_says_what_the_poll_says(cage):
    happened(cage, EventKind.PAUSED, "05:00")
    record_minutes(cage, slot("06:00"), [Health.OK])
    assert whys(cage)[:2] == [None, "paused"]
