"""One cage: its information, today's health, and today's sensor functionality."""

import html
import itertools
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.history.window import Window
from cages.models import Health, Outcome, Poll
from cages.polling.recorder import record_past
from tests.factories import (
    FACILITY,
    MINUTE,
    at,
    bad_for_days,
    make_cage,
    make_cycle,
    make_user,
    record_minute,
    record_minutes,
    result,
    slot,
    write_polls,
)
from tests.pages import queries_of, text_of

NOW = at("07:02:30")
AUTUMN = date(2026, 10, 25)  # the day of 25 hours in Berlin


@pytest.fixture(autouse=True)
def _never_signed_out(clock, settings):
    """Not even by a leap into another month."""
    settings.SESSION_COOKIE_AGE = timedelta(days=3650).total_seconds()


@pytest.fixture
def cage(user):
    return make_cage("Colony 4", owner=user, id=117)


def look_at(browser, cage, **address):
    response = browser.get(cage.get_absolute_url(), address)
    assert response.status_code == 200
    return response


def sentence_of(browser, cage):
    page = look_at(browser, cage).content.decode()
    return text_of(page.partition('<p class="sentence">')[2].partition("</p>")[0])


def section_of(response, name):
    """The markup of the section that has this heading's id."""
    sections = response.content.decode().split("<section")
    return next(part for part in sections if f'aria-labelledby="{name}"' in part)


def panel(response, name):
    """The text of that section."""
    return text_of(section_of(response, name))


def rows_of(response, name):
    """The rows of a table, each a list of its cells' texts, in the section of this heading."""
    body = section_of(response, name).partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [text_of(cell) for cell in re.findall(r"<td.*?</td>", row, re.S)]
        for row in body.split("</tr>")
        if "<td" in row
    ]


# Information


def test_the_page_has_the_information_of_the_cage(browser, user):
    place = {"room": "R2", "rack": "B", "row": "B", "column": 7}
    about = {"strain": "C57BL/6J", "animal_count": 3, "notes": "Aggressive male.\nKeep apart."}
    cage = make_cage("Colony 4", owner=user, id=117, **place, **about)
    response = look_at(browser, cage)
    information = panel(response, "information")
    for fact in (
        "Cage id 117",
        "Position R2 · rack B · B-07",
        "Species or strain C57BL/6J",
        "Number of animals 3",
        "Owner ruth",
        "Polled every minute",
        "Created 2026-03-01 00:00",
        "Notes Aggressive male. Keep apart.",
    ):
        assert fact in information
    title = response.content.decode().partition("<title>")[2].partition("</title>")[0]
    assert " ".join(title.split()) == "(1) Cage 117 · Colony 4 · Neurocage"


def test_a_cage_of_which_only_the_label_is_known_has_dashes(browser, cage):
    information = panel(look_at(browser, cage), "information")
    assert "Position – Species or strain – Number of animals – Owner ruth" in information
    assert "Notes" not in information


def test_an_empty_cage_says_0_animals(browser, user):
    page = look_at(browser, make_cage(owner=user, animal_count=0))
    assert "Number of animals 0" in panel(page, "information")


def test_markup_in_label_notes_and_position_is_only_text(browser, user):
    nasty = "<script>alert(1)</script>"
    cage = make_cage(nasty, owner=user, notes=f"{nasty}\n<b>", strain=nasty[:90], room="<i>")
    page = look_at(browser, cage).content.decode()
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page


def test_the_sentence_says_the_last_known_health_and_its_age(browser, cage):
    record_minutes(cage, slot("07:00"), [Health.BAD, Outcome.UNAVAILABLE, Outcome.UNAVAILABLE])
    said = "Bad for at least 1 min, 1 of 1 minute known. Last reading 2 min ago"
    assert sentence_of(browser, cage) == said


def test_a_spell_goes_on_after_a_silence_and_says_how_long_that_was(browser, cage):
    before = [Health.OK, *[Health.BAD] * 60]
    record_minutes(cage, slot("05:39"), [*before, *[Outcome.TIMEOUT] * 20, Health.BAD, Health.BAD])
    said = "Bad for 1 h 22 min, of them 20 min without an answer."
    assert said in sentence_of(browser, cage)


def test_days_of_bad_are_told_as_days(browser, cage):
    bad_for_days(cage)
    said = "Bad for 3 d 2 h, of them 18 h 30 min without an answer."
    assert said in sentence_of(browser, cage)


def test_the_longest_bad_of_the_day_says_how_much_of_it_is_known(browser, cage):
    polls = [Health.OK, Health.BAD, *[Outcome.TIMEOUT] * 20, Health.BAD, Health.BAD, Health.OK]
    record_minutes(cage, slot("03:00"), polls)
    page = text_of(look_at(browser, cage).content.decode())
    assert "Longest Bad period: 23 min, 3 of 23 minutes known; 03:01–03:23." in page


def test_a_cage_created_today_has_no_minutes_before_that(browser, user):
    cage = make_cage(owner=user, created_at=at("06:30:10"))
    record_minutes(cage, slot("06:31"), [Health.OK, Outcome.TIMEOUT])
    page = look_at(browser, cage)
    health = page.context["health_summary"]
    assert (health.minutes, health.not_watched) == (32, 30)
    words = text_of(page.content.decode())
    assert "32 full minutes from 06:30 to 07:02" in words
    assert "Since 2026-03-02 06:30, when this cage was created." in words
    assert 'd="M391 11h1"' in page.content.decode()


def test_an_unseen_cage_says_what_was_known_last(browser, cage):
    record_minute(cage, slot("06:50"), Health.PERFECT)
    assert sentence_of(browser, cage) == "Unseen last known Perfect, 12 min ago"


def test_a_paused_cage_is_shown_with_what_was_measured(browser, user):
    cage = make_cage(owner=user, is_polled=False)
    record_minute(cage, slot("06:00"), Health.OK)
    page = look_at(browser, cage)
    assert "Polled no, paused" in panel(page, "information")
    assert "Paused last known Ok, 1 h 2 min ago" in text_of(page.content.decode())
    assert len(rows_of(page, "readings")) == 1


def test_an_archived_cage_is_shown_with_what_was_measured_and_can_only_be_restored(browser, user):
    cage = make_cage(owner=user, archived_at=at("06:30"))
    record_minute(cage, slot("06:00"), Health.OK)
    page = look_at(browser, cage)
    words = text_of(page.content.decode())
    assert "Archived on 2026-03-02 06:30. It is not polled. All its data stays." in words
    assert "Polled no, archived" in panel(page, "information")
    assert len(rows_of(page, "readings")) == 1
    assert f"/cages/{cage.pk}/restore/" in page.content.decode()
    for action in ("edit", "archive", "test-sensor"):
        assert f"/cages/{cage.pk}/{action}/" not in page.content.decode()


# Empty


def test_a_day_without_a_poll_says_so_in_every_part(browser, cage):
    page = look_at(browser, cage)
    words = text_of(page.content.decode())
    assert "No reading yet today." in words
    assert "The sensor has not been polled yet today." in words
    assert "No requests yet today." in panel(page, "sensor")
    assert "Requests 0 Answered 0 Success – Response p50 – Response p95 –" in panel(page, "sensor")
    assert "0 polled without an answer, 422 not watched" in panel(page, "health")


def test_just_after_midnight_there_is_nothing_to_have_a_share_of(browser, cage, clock):
    record_minute(cage, slot("00:00") - MINUTE, Health.OK)
    clock(at("00:00:40"))
    page = look_at(browser, cage)
    assert "0 full minutes" in text_of(page.content.decode())
    assert "Perfect 0 – Ok 0 – Bad 0 – Not known 0 – Minutes today 0" in panel(page, "health")
    assert "No reading yet today." in text_of(page.content.decode())


# Today's health and today's sensor


def test_health_is_counted_per_status_and_what_is_not_known_is_said_apart(browser, cage):
    polls = [Health.PERFECT, Health.PERFECT, Health.OK, Health.BAD, Outcome.UNAVAILABLE]
    record_minutes(cage, slot("06:00"), [*polls, None, Outcome.SKIPPED, Outcome.TIMEOUT])
    health = panel(look_at(browser, cage), "health")
    assert "Perfect 2 0.5 %" in health
    assert "Ok 1 0.2 %" in health
    assert "Bad 1 0.2 %" in health
    assert "Not known 418 99.1 %" in health
    assert "Minutes today 422" in health
    assert "Not known: 2 polled without an answer, 416 not watched." in health


def test_the_sensor_is_counted_without_what_was_never_asked(browser, cage):
    failures = [Outcome.UNAVAILABLE, Outcome.UNAVAILABLE, Outcome.TIMEOUT, Outcome.MALFORMED]
    record_minutes(
        cage, slot("06:00"), [Health.OK] * 6 + failures + [Outcome.SKIPPED] * 10 + [None]
    )
    sensor = panel(look_at(browser, cage), "sensor")
    assert "Requests 10 Answered 6 Success 60.0 %" in sensor
    assert "unavailable (503): 2, timeout: 1, malformed answer: 1." in sensor
    assert "Planned but not polled in time: 10." in sensor


def test_response_times_are_of_answered_requests_only(browser, cage):
    for number, latency_ms in enumerate([1000, 2000, 3000]):
        record_minute(cage, slot("06:00") + number * MINUTE, Health.OK, latency_ms=latency_ms)
    record_minute(cage, slot("06:10"), outcome=Outcome.TIMEOUT, latency_ms=10_000)
    sensor = panel(look_at(browser, cage), "sensor")
    assert "Response p50 2.0 s Response p95 2.9 s Response max 3.0 s" in sensor


def test_a_sensor_that_never_failed_says_so(browser, cage):
    record_minute(cage, slot("06:00"))
    assert "No failed requests." in panel(look_at(browser, cage), "sensor")


def test_a_sensor_that_never_answered_has_no_response_times(browser, cage):
    record_minute(
        cage, slot("06:00"), outcome=Outcome.CONNECTION_ERROR, detail="Connection refused"
    )
    page = look_at(browser, cage)
    sensor = panel(page, "sensor")
    assert (
        "Requests 1 Answered 0 Success 0.0 % Response p50 – Response p95 – Response max –" in sensor
    )
    assert rows_of(page, "requests") == [
        ["06:00", "no", "connection error Connection refused", "1.5 s", "–"]
    ]


def test_yesterday_the_minute_under_way_and_other_cages_do_not_count(browser, cage, user):
    record_minute(cage, slot("00:00") - MINUTE, Health.BAD)
    record_minute(cage, slot("00:00"), Health.OK)
    record_minute(cage, slot("07:01"), Health.OK)
    record_minute(cage, slot("07:02"), Health.BAD)
    record_minute(make_cage(owner=user), slot("06:00"), Health.BAD)
    page = look_at(browser, cage)
    assert "Perfect 0 0.0 % Ok 2 0.5 % Bad 0 0.0 %" in panel(page, "health")
    assert [row[0] for row in rows_of(page, "readings")] == ["07:01", "00:00"]
    assert [row[0] for row in rows_of(page, "requests")] == ["07:01", "00:00"]


# The two tables


@pytest.fixture
def busy(cage):
    """Every minute of today so far: 150 readings at first, then failures."""
    ended = [Health.OK] * 150 + [Outcome.UNAVAILABLE] * 272
    write_polls(cage, [(slot("00:00") + n * MINUTE, e, 1500) for n, e in enumerate(ended)])
    return cage


def test_a_reading_has_its_time_and_status(browser, cage):
    record_minutes(cage, slot("06:00"), [Health.PERFECT, Outcome.TIMEOUT, Health.BAD])
    readings = rows_of(look_at(browser, cage), "readings")
    assert readings == [["06:02", "Bad"], ["06:00", "Perfect"]]


def test_a_request_has_time_success_outcome_response_time_and_health(browser, cage):
    record_minute(cage, slot("06:00"), Health.PERFECT)
    record_minute(cage, slot("06:01"), outcome=Outcome.UNAVAILABLE, latency_ms=2049)
    record_minute(cage, slot("06:02"), outcome=Outcome.SKIPPED, detail="its minute was over")
    record_minute(cage, slot("06:03"), outcome=Outcome.MALFORMED, detail="not JSON: <html>")
    assert rows_of(look_at(browser, cage), "requests") == [
        ["06:03", "no", "malformed answer not JSON: <html>", "1.5 s", "–"],
        ["06:02", "no", "skipped its minute was over", "–", "–"],
        ["06:01", "no", "unavailable (503)", "2.0 s", "–"],
        ["06:00", "yes", "answered", "1.5 s", "Perfect"],
    ]


def test_what_a_sensor_sent_is_only_text(browser, cage):
    detail = "not JSON: <script>alert(1)</script>"
    record_minute(cage, slot("06:00"), outcome=Outcome.MALFORMED, detail=detail)
    assert "<script>" not in look_at(browser, cage).content.decode()


def test_both_tables_are_paged_apart_from_each_other(browser, busy):
    page = look_at(browser, busy, readings="3", requests="2")
    readings, requests = rows_of(page, "readings"), rows_of(page, "requests")
    assert (readings[0][0], len(readings)) == ("00:29", 30)
    assert (requests[0][0], len(requests)) == ("06:01", 60)
    assert "121–150 of 150, newest first" in panel(page, "readings")
    assert "61–120 of 422, newest first" in panel(page, "requests")


def test_the_links_of_one_table_leave_the_other_where_it_is(browser, busy):
    page = look_at(browser, busy, readings="2", requests="3").content.decode()
    following = [html.unescape(link) for link in re.findall(r'href="([^"]+)" rel="next"', page)]
    assert following == ["?readings=3&requests=3#readings", "?readings=2&requests=4#requests"]


def test_all_pages_together_have_every_row_once_newest_first(browser, busy):
    times = []
    for number in range(1, 9):
        times += [row[0] for row in rows_of(look_at(browser, busy, requests=number), "requests")]
    everything = [slot("00:00") + number * MINUTE for number in range(421, -1, -1)]
    assert times == [f"{moment.astimezone(FACILITY):%H:%M}" for moment in everything]


@pytest.mark.parametrize(
    ("asked", "shown"), [("99", 3), ("0", 3), ("x", 1), ("", 1), ("\x00", 1), ("9" * 5000, 1)]
)
def test_a_page_of_readings_that_is_not_there_shows_another(browser, busy, asked, shown):
    assert look_at(browser, busy, readings=asked).context["readings"].number == shown


def test_in_the_hour_that_comes_twice_rows_still_stand_in_their_order(client_of, cage, clock):
    clock(at("04:00", AUTUMN))
    browser = client_of(cage.owner)
    hours = [datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=FACILITY) for fold in (0, 1)]
    for moment, status in zip(hours, (Health.BAD, Health.OK), strict=True):
        record_minute(cage, moment.astimezone(UTC), status)
    page = look_at(browser, cage)
    assert rows_of(page, "readings") == [["02:30 CET", "Ok"], ["02:30 CEST", "Bad"]]
    hours_shown = re.findall(r'<th scope="row">(0[1-3]:00[^<]*)', page.content.decode())
    assert hours_shown == ["01:00", "02:00 CEST", "02:00 CET", "03:00"]
    assert 'datetime="2026-10-25T02:30:00+01:00"' in page.content.decode()
    assert 'datetime="2026-10-25T02:30:00+02:00"' in page.content.decode()


# Size and queries


@pytest.mark.parametrize("is_worst", [False, True])
def test_a_full_day_stays_under_150_kb_and_22_queries(client_of, cage, clock, is_worst):
    """The worst: each answer is malformed and as long, once escaped, as an answer can be."""
    clock(at("23:59:59", AUTUMN))
    make_cycle(slot("23:58", AUTUMN), planned=1)
    window = Window.today(at("23:59:59", AUTUMN))
    if is_worst:
        poll = result(cage, outcome=Outcome.MALFORMED, detail='"' * 200)
        record_past([(window.start + n * MINUTE, poll) for n in range(window.minutes)])
    else:
        ended = itertools.cycle([*Health, *list(Outcome)[1:]])
        times = (window.start + n * MINUTE for n in range(window.minutes))
        write_polls(cage, [(time, next(ended), 1500) for time in times])
    staff = client_of(make_user("stefan", is_staff=True))
    # The first page of a cycle judges its answers.
    staff.get(reverse("watch"))
    with CaptureQueriesContext(connection) as queries:
        page = look_at(staff, cage, readings="2", requests="12")
    assert len(page.content) < 150_000
    assert len(queries) <= 22


def test_the_number_of_queries_is_the_same_for_an_empty_day_and_a_busy_one(browser, busy):
    browser.get(reverse("watch"))
    full = queries_of(look_at, browser, busy)
    Poll.objects.all().delete()
    assert queries_of(look_at, browser, busy) <= full <= 22
