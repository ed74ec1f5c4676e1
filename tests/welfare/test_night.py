"""The night sheet: made once at lights on, with what each dark phase held and what is open."""

import random
from datetime import date, timedelta

import pytest
from django.urls import reverse

from cages.history.window import Window
from cages.models import Health, Outcome, Poll
from tests.factories import (
    MINUTE,
    at,
    give_light,
    make_animal,
    make_cage,
    make_mark,
    make_schedule,
    make_user,
    write_polls,
)
from tests.pages import queries_of, text_of
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.models import Finding, NightSheet
from welfare.night import facts, making
from welfare.night.facts import facts_of
from welfare.night.making import MADE_AFTER, make_due
from welfare.night.sheet import sheet_of

NOW = at("07:02:30")
DAY = timedelta(days=1)
NIGHT = Window(at("19:00") - DAY, at("07:00"))
LENGTH = 720
GOOD, BAD = Health.PERFECT, Health.BAD
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
ADDRESS = "/night/{}/2026-03-02/"


@pytest.fixture
def room(user):
    """A room with the lights on from 07:00 to 19:00, and one cage of which nothing is known."""
    room = make(user, 1).room
    give_light(room, make_schedule(), at("00:00") - 60 * DAY)
    return room


def make(user, number, **fields):
    bay = {"rack": "A", "row": "ABCDEFGHIJ"[number // 100], "column": number % 100 + 1}
    return make_cage(
        f"Colony {number}",
        user,
        id=number,
        room="R1",
        **{"created_at": at("00:00") - 30 * DAY, **bay, **fields},
    )


def live(cage, minutes, nights_ago=0):
    """Record these minutes from lights off on. None: not watched."""
    start = NIGHT.start - nights_ago * DAY
    write_polls(
        cage,
        [(start + n * MINUTE, e, 900) for n, e in enumerate(minutes) if e is not None],
    )


def three_of_four(minutes):
    """Every fourth minute without an answer."""
    return [Outcome.TIMEOUT if n % 4 == 3 else e for n, e in enumerate(minutes)]


def told(cage, **_):
    facts = facts_of(cage.room_id, NIGHT)
    return next((line for line in facts["lines"] if line["cage"] == cage.pk), None)


def where(cage):
    """The parts of the sheet that the cage is in. There is one."""
    facts = facts_of(cage.room_id, NIGHT)
    parts = {name: facts[name] for name in ("alone", "rest", "little")}
    found = [name for name, short in parts.items() if cage.pk in [one[0] for one in short]]
    found += ["lines"] * (told(cage) is not None)
    return found + ["without"] * (cage.pk in facts["without"])


def test_a_cage_that_is_well_and_known_is_left_alone(room, user):
    cage = make(user, 2)
    live(cage, three_of_four([GOOD] * LENGTH))
    assert where(cage) == ["alone"]
    assert [cage.pk, 540, 720] in facts_of(room.pk, NIGHT)["alone"]


def test_a_cage_known_for_less_than_half_is_too_little_seen(room, user):
    cage = make(user, 2)
    live(cage, [GOOD] * 300)
    assert where(cage) == ["little"]


def test_a_cage_known_for_more_than_half_is_not_yet_left_alone(room, user):
    cage = make(user, 2)
    live(cage, [GOOD] * 400)
    assert where(cage) == ["rest"]


def test_a_long_bad_spell_is_told_with_its_coverage(room, user):
    cage = make(user, 2)
    live(cage, three_of_four([GOOD] * 300 + [BAD] * 60 + [GOOD] * 360))
    line = told(cage)
    assert (line["says"], line["bad"], line["known"], line["minutes"]) == (["bad"], 45, 540, 720)
    spell = line["longest"]
    assert spell["first"] == (NIGHT.start + 300 * MINUTE).isoformat()
    assert (spell["minutes"], spell["same"], spell["known"], spell["is_exact"]) == (
        59,
        45,
        45,
        True,
    )


def test_a_short_bad_spell_is_not_told(room, user):
    cage = make(user, 2)
    live(cage, [GOOD] * 300 + [BAD] * (facts.BAD_MINUTES - 1) + [GOOD] * 391)
    assert told(cage) is None


def test_a_bad_spell_at_the_edge_is_at_least_so_long(room, user):
    cage = make(user, 2)
    live(cage, [GOOD] * 660 + [BAD] * 60)
    page = make_sheet_page(user, room)
    assert "longest at least 60 min from 06:00, 60 of 60 known" in page


def test_a_silence_is_told_and_a_long_one_is_checked_by_eye(room, user, browser):
    quiet, long = make(user, 2), make(user, 3)
    live(quiet, [GOOD] * 300 + [Outcome.TIMEOUT] * 12 + [GOOD] * 408)
    live(long, [GOOD] * 300 + [Outcome.TIMEOUT] * 60 + [GOOD] * 360)
    assert (told(quiet)["says"], told(quiet)["unseen"]) == (["unseen"], 12)
    make_due(NOW)
    page = text_of(browser.get(ADDRESS.format(room.pk)))
    assert "Unseen for 60 of 720 minutes; longest 60 min from 00:00 – check by eye" in page
    assert page.count("check by eye") == 1


def test_what_neurocage_did_not_watch_is_not_the_cages_silence(room, user):
    cage = make(user, 2)
    live(cage, [GOOD] * 300 + [None] * 30 + [GOOD] * 390)
    assert where(cage) == ["alone"]


@pytest.mark.parametrize(("bad", "expected"), [(71, None), (72, ["unlike"])])
def test_a_night_far_above_the_usual_ones_is_told(room, user, bad, expected):
    cage = make(user, 2)
    for nights_ago in range(1, 8):
        live(cage, [GOOD] * LENGTH, nights_ago)
    # In single minutes, so that there is no spell.
    live(cage, [BAD if n % 10 == 0 and n < 10 * bad else GOOD for n in range(LENGTH)])
    assert (told(cage) or {}).get("says") == expected


def test_a_cage_with_light_of_its_own_is_told_by_its_own_night(room, user, browser):
    cage = make(user, 2)
    schedule = make_schedule("turned round", on="19:00", off="07:00")
    give_light(cage, schedule, at("00:00") - 60 * DAY)
    live(cage, [BAD] * 720, nights_ago=0)
    # Its night was the day before: the room's light phase.
    write_polls(cage, [(NIGHT.start - (720 - n) * MINUTE, BAD, 900) for n in range(720)])
    make_due(NOW)
    page = text_of(browser.get(ADDRESS.format(room.pk)))
    assert "Light of its own: dark from 2026-03-01 07:00 to 2026-03-01 19:00" in page


# When it is made


def test_it_is_made_once_when_the_lights_are_on(room, clock):
    assert make_due(at("07:00") + MADE_AFTER - MINUTE) == 0
    assert make_due(NOW) == 1
    assert make_due(NOW + MINUTE) == 0
    kept = NightSheet.objects.get()
    assert (kept.begins_at, kept.ends_at, kept.made_at) == (NIGHT.start, NIGHT.end, NOW)
    assert timedelta(minutes=5) > MADE_AFTER


def test_the_next_night_has_a_sheet_of_its_own(room):
    assert [make_due(NOW), make_due(NOW + DAY)] == [1, 1]
    assert NightSheet.objects.count() == 2


@pytest.mark.parametrize("light", ["none", "constant"])
def test_a_room_without_a_night_has_no_sheet(user, browser, light):
    cage = make(user, 1)
    if light == "constant":
        give_light(cage.room, make_schedule(on="", regime="dark"), at("00:00") - 60 * DAY)
    assert make_due(NOW) == 0
    page = text_of(browser.get(reverse("night")))
    words = {"none": "nobody said when the lights are on", "constant": "there is no night"}
    assert words[light] in page


def test_nothing_due_asks_the_database_three_times(room):
    make_due(NOW)
    assert queries_of(make_due, NOW + MINUTE) == 3


def test_making_does_not_ask_for_each_cage(room, user, monkeypatch):
    before = queries_of(facts_of, room.pk, NIGHT)
    for number in range(2, 12):
        make(user, number)
    assert queries_of(facts_of, room.pk, NIGHT) == before


# The page


def make_sheet_page(user, room):
    from django.test import Client

    client = Client()
    client.force_login(user)
    make_due(NOW)
    return text_of(client.get(ADDRESS.format(room.pk)))


def test_the_page_says_as_of_when_and_adds_up(room, user, browser):
    live(make(user, 2), [GOOD] * LENGTH)
    live(make(user, 3), [GOOD] * 300 + [BAD] * 60 + [GOOD] * 360)
    live(make(user, 4), [GOOD] * 100)
    make(user, 5, created_at=NIGHT.start + MINUTE)
    make_due(NOW)
    page = browser.get(ADDRESS.format(room.pk))
    assert "as it was known at 2026-03-02 07:02" in text_of(page)
    assert "5 cages, 1 with something to say." in text_of(page)
    sheet = page.context["sheet"]
    assert [cage.pk for cage in sheet.without] == [5]
    assert sheet.cages == 5


def test_a_line_leads_to_the_cage_at_that_minute(room, user, browser):
    cage = make(user, 2)
    live(cage, [GOOD] * 300 + [BAD] * 60 + [GOOD] * 360)
    make_due(NOW)
    page = browser.get(ADDRESS.format(room.pk)).content.decode()
    assert f"/cages/{cage.pk}/?at=2026-03-02T00%3A00%2B0100" in page


def test_a_cage_with_an_open_concern_is_not_to_be_left_alone(room, user):
    cage = make(user, 2)
    live(cage, [GOOD] * LENGTH)
    make_due(NOW)
    concern = make_concern(cage)
    desk.find(concern.pk, user, Finding.NORMAL, "", NOW, recheck_at=at("09:00"))
    page = make_sheet_page(user, room)
    assert "Leave alone: 0" in page
    assert "Nothing to say, but less is known or a concern is open: 1" in page
    assert "recheck due 2026-03-02 09:00" in page


def test_cages_of_other_labs_are_not_told(room, user, client_of):
    live(make(user, 2), [BAD] * LENGTH)
    make_due(NOW)
    stranger = make_user("stranger")
    assert client_of(stranger).get(ADDRESS.format(room.pk)).status_code == 404
    own = make_cage("Own", stranger, id=99, room="R1")
    page = client_of(stranger).get(ADDRESS.format(room.pk))
    assert page.context["sheet"].cages == 0
    assert "Colony" not in text_of(page)
    assert own.room == room


def test_a_cage_with_the_id_of_a_purged_one_was_in_no_sheet(room, user, client_of):
    gone = make(user, 2)
    live(gone, [BAD] * LENGTH)
    make_due(NOW)
    kept = NightSheet.objects.get()
    assert [line["cage"] for line in kept.facts["lines"]] == [gone.pk]
    Poll.objects.filter(cage=gone).delete()
    gone.delete()
    stranger = make_user("stranger")
    make_cage("Own", stranger, id=2, room="R1", created_at=kept.made_at + MINUTE)
    page = client_of(stranger).get(ADDRESS.format(room.pk))
    assert page.context["sheet"].cages == 0


@pytest.mark.parametrize("day", ["2026-03-01", "x", "9999-12-31"])
def test_a_day_without_a_sheet_is_told(room, browser, day):
    answer = browser.get(f"/night/{room.pk}/{day}/")
    assert answer.status_code == (404 if day in ("x", "9999-12-31") else 200)
    if answer.status_code == 200:
        assert "There is no sheet of 2026-03-01" in text_of(answer)


@pytest.mark.parametrize("name", ["sheet", "list"])
def test_the_number_of_queries_is_fixed(room, user, browser, name):
    live(make(user, 2), [BAD] * LENGTH)
    make_concern(make(user, 3))
    make_due(NOW)
    address = ADDRESS.format(room.pk) if name == "sheet" else reverse("night")
    browser.get(address)
    before = queries_of(browser.get, address)
    NightSheet.objects.all().delete()
    for number in range(4, 12):
        cage = make(user, number)
        live(cage, random.Random(number).choices([GOOD, BAD, Outcome.TIMEOUT], k=LENGTH))
        make_concern(cage)
        make_mark(cage, at("06:00"))
        make_animal(cage, since=date(2026, 3, 1))
    make_due(NOW)
    assert queries_of(browser.get, address) == before


def test_the_facts_are_read_as_they_were_written(room, user):
    cage = make(user, 2)
    live(cage, [GOOD] * 300 + [BAD] * 60 + [Outcome.TIMEOUT] * 20 + [GOOD] * 340)
    making.make_due(NOW)
    from cages.models import Cage

    sheet = sheet_of(NightSheet.objects.get(), Cage.objects.all(), NOW)
    [line] = sheet.lines
    assert (line.cage, line.bad, line.unseen) == (cage, 60, 20)
    assert (line.longest.minutes, line.longest.first) == (60, NIGHT.start + 300 * MINUTE)
    assert line.start == NIGHT.start


def test_a_cage_of_a_sheet_is_named_with_its_rack(room, user, browser):
    """Each rack of a room has a bay of the same name."""
    cage = make(user, 2)
    live(cage, three_of_four([BAD] * LENGTH))
    make_due(NOW)
    assert f"A {cage.bay_name} · {cage.label}" in text_of(browser.get(ADDRESS.format(room.pk)))
