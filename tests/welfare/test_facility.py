"""The welfare part of the generated facility: rounds, what came of them, and the last night."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Count
from django.utils.timezone import localtime

from cages.models import Cage
from people.models import User
from tests.factories import at
from tests.pages import text_of
from tests.welfare.conftest import add_default_rules
from welfare.eyes_on import days_back, ledger_of
from welfare.models import Concern, Kind, Look, LookResult, NightSheet, Round
from welfare.rounds import result_of

NOW = at("11:07:20")
CAGES, DAYS = 48, 8
DAY = timedelta(days=1)
# The facility's cages with this number from 0 are Bad, and do not answer any more.
SICK, DEAD = "G0018", "G0024"
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture(scope="module")
def _loaded(module_database):
    """The facility, loaded once."""
    add_default_rules()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("django.utils.timezone.now", lambda: NOW)
        # The facility is small, and some are to be seen.
        patched.setattr("welfare.demo.CHANCES", [0.9, 0.05, 0.03, 0.02])
        call_command("load_demo", facility=True, cages=CAGES, days=DAYS, stdout=StringIO())
        connection.check_constraints()


@pytest.fixture
def cages(_loaded, db):
    return list(Cage.objects.select_related("room"))


def test_each_round_is_about_the_cages_of_its_room(cages):
    rounds = list(Round.objects.all())
    assert len(rounds) > 4 * 4
    active = [cage for cage in cages if not cage.is_archived]
    newest = max(rounds, key=lambda one: one.begun_at)
    told = sorted(newest.came_of["cages"])
    assert told == sorted(c.pk for c in active if c.room_id == newest.room_id)
    for one in rounds:
        looked = set(one.looks.values_list("cage", flat=True))
        assert looked <= set(one.came_of["cages"])
        assert result_of(one, Cage.objects.all(), NOW).seen == one.looks.seeing().count()


def test_looks_lie_in_the_window_and_in_the_lives_of_the_cages(cages):
    for look in Look.objects.select_related("cage"):
        assert look.cage.created_at <= look.at <= NOW
        assert look.cage.archived_at is None or look.at < look.cage.archived_at


def test_most_cages_are_looked_at_on_working_days_and_fewer_at_weekends(cages):
    days = ledger_of(cages, days_back(DAYS - 1, NOW)).days
    shares = {one.day.isoweekday(): one.looked_at / one.housed for one in days}
    assert min(shares[day] for day in range(1, 6)) > 0.9
    assert min(shares[6], shares[7]) < 0.9


def test_the_vet_answers_what_was_seen_but_for_the_last_day(cages):
    seen = Look.objects.filter(result=LookResult.CONCERN, at__lt=NOW - DAY)
    by_hand = Concern.objects.filter(kind=Kind.BY_EYE)
    assert seen.exists()
    assert {look.concern_id for look in seen} == {one.pk for one in by_hand}
    assert all(one.closed_at and one.finding for one in by_hand)
    looks = Look.objects.exclude(concern=None).values("concern").annotate(count=Count("pk"))
    assert {one["count"] for one in looks} == {1}


def test_the_last_hour_is_judged(cages):
    lasting = Concern.objects.open().exclude(cage=None).values_list("cage__label", "kind")
    assert {(SICK, Kind.BAD_LONG), (DEAD, Kind.UNSEEN)} <= set(lasting)


def test_rooms_with_a_dark_phase_have_the_sheet_of_the_last_night(cages, client_of):
    sheets = list(NightSheet.objects.select_related("room"))
    assert sorted(sheet.room.name for sheet in sheets) == ["R1 usual", "R2 reversed", "R3 shifted"]
    for sheet in sheets:
        assert NOW - DAY < sheet.ends_at < NOW
    where = next(cage.room_id for cage in cages if cage.label == SICK)
    sheet = next(sheet for sheet in sheets if sheet.room_id == where)
    page = f"/night/{where}/{localtime(sheet.ends_at).date()}/"
    vet = client_of(User.objects.get(username="vet"))
    assert SICK in text_of(vet.get(page)).partition("Leave alone")[0]
