"""The eyes-on ledger: each cage and day is looked at, not looked at or not housed, and adds up."""

import csv
import io
from datetime import date, timedelta
from io import BytesIO

import openpyxl
import pytest
from django.urls import reverse

from cages.models import Health
from cages.models.mark import BuiltIn
from people.models import Role
from tests.factories import (
    MINUTE,
    at,
    make_animal,
    make_cage,
    make_mark,
    make_member,
    make_user,
    record_minutes,
    slot,
)
from tests.pages import queries_of, text_of
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.eyes_on import Eyes, Housed, days_back, ledger_of
from welfare.models import Finding, Look, LookResult, Reason

NOW = at("17:00")
SUNDAY, MONDAY = date(2026, 3, 1), date(2026, 3, 2)
LOOKS = reverse("looks")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cage(user):
    return make_cage("Colony", user, id=7, room="R1", created_at=at("12:00", date(2026, 2, 27)))


def look(cage, moment, result=LookResult.FINE, **fields):
    told = {"by": "tim", "noted_at": moment, "why": "Not there" if result == "skipped" else ""}
    return Look.objects.create(cage=cage, at=moment, result=result, **{**told, **fields})


def week(cage):
    """The Eyes of the last seven days, oldest first: Tuesday to Monday."""
    cage.refresh_from_db()
    return [one.name[0:6] for one in ledger_of([cage], days_back(7, NOW)).by_cage[cage.pk]]


def eyes_today(cage):
    return ledger_of([cage], days_back(1, NOW)).by_cage[cage.pk][0]


def test_a_cage_is_not_housed_before_the_day_on_which_it_was_created(cage):
    assert week(cage) == ["NOT_HO"] * 3 + ["NOT_LO"] * 4


def test_it_is_not_housed_after_it_was_archived_until_it_was_restored(cage, user):
    cage.archive(at("09:00", date(2026, 2, 27)), user)
    cage.restore(at("09:00", SUNDAY), user)
    # The days of both are days of the cage.
    assert week(cage) == ["NOT_HO"] * 3 + ["NOT_LO", "NOT_HO", "NOT_LO", "NOT_LO"]


def test_where_animals_are_recorded_days_without_any_are_not_housed(cage):
    make_animal(cage, since=date(2026, 2, 27), until=SUNDAY)
    make_animal(cage, since=MONDAY)
    assert week(cage) == ["NOT_HO"] * 3 + ["NOT_LO", "NOT_LO", "NOT_HO", "NOT_LO"]


@pytest.mark.parametrize("result", [LookResult.FINE, LookResult.CONCERN])
def test_a_look_is_of_the_facilitys_day(cage, result):
    # In Berlin it is Monday already, by UTC still Sunday.
    look(cage, at("00:10"), result)
    assert week(cage)[-2:] == ["NOT_LO", "LOOKED"]


@pytest.mark.parametrize("why", ["skipped", "withdrawn"])
def test_what_nobody_saw_is_no_look(cage, why):
    if why == "skipped":
        look(cage, at("08:00"), LookResult.SKIPPED)
    else:
        look(cage, at("08:00"), withdrawn_at=at("08:01"))
    assert eyes_today(cage) == Eyes.NOT_LOOKED_AT


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (BuiltIn.CAGE_CHANGE, Eyes.LOOKED_AT),
        (BuiltIn.SENSOR_SWAPPED, Eyes.NOT_LOOKED_AT),
        (BuiltIn.ROOM_WORKS, Eyes.NOT_LOOKED_AT),
    ],
)
def test_work_that_sees_the_animals_is_a_look(cage, kind, expected):
    make_mark(cage, at("08:00"), kind=kind)
    assert eyes_today(cage) == expected


def test_work_in_the_whole_room_is_no_look_at_each_cage(cage):
    make_mark(cage.room, at("08:00"), kind=BuiltIn.FOOD)
    make_mark(cage, at("08:00"), kind=BuiltIn.FOOD, is_of_several=True)
    assert eyes_today(cage) == Eyes.NOT_LOOKED_AT


@pytest.mark.parametrize(
    ("finding", "expected"),
    [(Finding.NORMAL, Eyes.LOOKED_AT), (Finding.SENSOR, Eyes.NOT_LOOKED_AT)],
)
def test_a_finding_about_the_animals_is_a_look(cage, user, finding, expected):
    desk.find(make_concern(cage).pk, user, finding, "", at("09:00"))
    assert eyes_today(cage) == expected


def test_who_acknowledges_with_having_looked_has_looked(cage, user):
    desk.acknowledge(make_concern(cage).pk, user, Reason.LOOKED, "", at("09:00"))
    assert eyes_today(cage) == Eyes.LOOKED_AT


def test_every_day_adds_up_to_all_cages(user, cage):
    cages = [cage, *(make_cage(f"C{n}", user, id=n, room="R1") for n in range(20, 25))]
    look(cages[1], at("08:00"))
    ledger = ledger_of(cages, days_back(28, NOW))
    for one in ledger.days:
        assert one.looked_at + one.not_looked_at + one.not_housed == len(cages)
    assert [one.is_weekend for one in ledger.days[-2:]] == [True, False]


# The page


def test_the_page_names_who_was_not_looked_at_in_time(browser, user, cage):
    late = make_cage("Late", user, id=8, room="R1")
    good = make_cage("Good", user, id=9, room="R1")
    look(late, at("16:30"))
    look(good, at("15:59"))
    page = browser.get(LOOKS)
    words = text_of(page)
    assert "Not looked at by 16:00 today: 2 of 3" in words
    assert [(one.cage.pk, one.looked_at) for one in page.context["missed"]] == [
        (7, None),
        (8, at("16:30")),
    ]


def test_before_the_hour_the_page_says_not_yet(browser, cage, clock):
    clock(at("15:00"))
    assert "Not looked at yet today: 1 of 1" in text_of(browser.get(LOOKS))


def test_the_machines_ledger_of_a_day_stands_beside(browser, cage):
    record_minutes(cage, slot("16:00"), [Health.OK] * 45)
    today = browser.get(LOOKS).context["today"]
    assert (today.minutes, today.watched, today.known) == (17 * 60, 45, 45)


def test_days_of_the_week_have_their_denominators(browser, cage):
    look(cage, at("08:00"))
    make_concern(cage)
    monday, *_rest, sunday = browser.get(LOOKS).context["weekdays"]
    assert (monday.concerns, monday.days, monday.looked_at, monday.housed) == (1, 1, 1, 1)
    assert (sunday.concerns, sunday.days, sunday.looked_at, sunday.housed) == (0, 1, 0, 1)


@pytest.mark.parametrize(("role", "may_open"), [(Role.VET, True), (Role.TECHNICIAN, False)])
def test_a_concern_from_a_round_that_is_not_on_the_desk_is_told(
    client_of, cage, user, role, may_open
):
    look(cage, at("08:00"), LookResult.CONCERN)
    person = make_user("vera")
    make_member(person, user.own_lab, role)
    page = text_of(client_of(person).get(LOOKS))
    assert "Concerns seen on rounds that are not on the desk" in page
    assert ("Open a concern" in page) == may_open


def test_the_desk_tells_of_a_concern_that_waits_for_somebody_who_may_open_it(browser, cage, user):
    look(cage, at("08:00"), LookResult.CONCERN)
    desk_page = reverse("concern-list")
    assert "1 concern from a round waits" in text_of(browser.get(desk_page))
    desk.open_by_hand(cage, user, "Thin", NOW)
    assert "from a round waits" not in text_of(browser.get(desk_page))


def test_cages_of_other_labs_are_not_told(client_of, cage):
    page = client_of(make_user("stranger")).get(LOOKS)
    assert page.context["today"].cages == 0


def test_the_number_of_queries_of_the_page_is_fixed(browser, user, cage):
    look(cage, at("08:00"), LookResult.CONCERN)
    browser.get(LOOKS)
    before = queries_of(browser.get, LOOKS)
    for number in range(20, 26):
        other = make_cage(f"C{number}", user, id=number, room=f"R{number}")
        look(other, at("08:00"), LookResult.CONCERN)
        make_animal(other)
        make_concern(other)
    assert queries_of(browser.get, LOOKS) == before


def test_each_cage_and_day_has_its_shape_and_word(browser, cage):
    look(cage, at("08:00"))
    page = browser.get(LOOKS).content.decode()
    table = page.split("looks-cages")[1].split("</table>")[0]
    assert "".join(letter for letter in table if letter in "●○–") == "●○○○–––"
    assert table.count("not housed") == 3


# The file


def file_of(browser, **query):
    query = {"from": "2026-02-27", "to": "2026-03-02", **query}
    return b"".join(browser.get(reverse("looks-file"), query).streaming_content)


def test_the_file_has_a_row_for_each_cage_and_day(browser, cage):
    look(cage, at("08:00"), by="tim")
    look(cage, at("09:00"), by="vera")
    record_minutes(cage, slot("16:00"), [Health.OK, None, Health.OK])
    rows = list(csv.DictReader(io.StringIO(file_of(browser).decode())))
    assert [(row["day"], row["weekday"], row["eyes_on"]) for row in rows] == [
        ("2026-02-27", "5", "not_looked_at"),
        ("2026-02-28", "6", "not_looked_at"),
        ("2026-03-01", "7", "not_looked_at"),
        ("2026-03-02", "1", "looked_at"),
    ]
    assert rows[0]["minutes"] == str(12 * 60)
    today = rows[-1]
    assert (today["looks"], today["first_local"], today["first_by"]) == (
        "2",
        "2026-03-02T08:00:00",
        "tim",
    )
    assert (today["minutes"], today["watched"], today["known"]) == (str(17 * 60), "2", "2")


def test_the_same_is_in_the_workbook(browser, cage):
    book = openpyxl.load_workbook(BytesIO(file_of(browser, format="xlsx")), read_only=True)
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert len(rows) == 5
    assert rows[-1][:4] == ("2026-03-02", 1, 7, "Colony")


@pytest.mark.parametrize(
    ("last", "words"),
    [
        *((last, "Give two days") for last in ("", "2026-02-26", "2027-03-01")),
        ("x", "Enter a valid date"),
        ("9999-12-31", "Write a year"),
    ],
)
def test_days_that_cannot_be_are_told(browser, cage, last, words):
    answer = browser.get(reverse("looks-file"), {"from": "2026-02-27", "to": last}, follow=True)
    assert words in text_of(answer)


def test_a_cage_that_was_archived_within_the_days_is_in_the_file(browser, cage, user):
    cage.archive(at("09:00", SUNDAY), user)
    rows = list(csv.DictReader(io.StringIO(file_of(browser).decode())))
    assert [row["eyes_on"] for row in rows][-2:] == ["not_looked_at", "not_housed"]


def test_housing_asks_the_database_twice_however_many_cages(user, cage):
    cages = [cage, *(make_cage(f"C{n}", user, id=n) for n in range(20, 30))]
    assert queries_of(Housed, cages) == 2
    assert Housed(cages).on(20, MONDAY + timedelta(days=1))
    assert not Housed(cages).on(20, (cages[1].created_at - MINUTE).date() - timedelta(days=1))
