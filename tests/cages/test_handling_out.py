"""The history of a cage without the minutes that handling may have disturbed."""

from datetime import timedelta

import pytest
from django.urls import reverse

from cages.models import Health
from cages.views.history.pages import STRIP_DAYS
from tests.factories import at, make_cage, make_mark, record_minutes, slot
from tests.pages import queries_of, text_of

NOW = at("12:00:30")
pytestmark = pytest.mark.usefixtures("clock")
DAY = timedelta(days=1)
BAD, OK, PERFECT = Health


@pytest.fixture
def cage(user):
    return make_cage("Colony", user, room="R1", rack="A", created_at=NOW - 800 * DAY)


def history(browser, cage, **query):
    return browser.get(reverse("cage-history", args=[cage.pk]), {"span": "today", **query})


def test_shares_without_handling_say_how_many_minutes_are_left_out(browser, cage):
    record_minutes(cage, slot("08:00"), [OK] * 60 + [BAD] * 60 + [PERFECT] * 30)
    make_mark(cage, at("09:30"))
    page = history(browser, cage)
    assert "Bad 60 8.3 %" in text_of(page)
    assert "Leave out handling (± 60 min)" in text_of(page)
    words = text_of(history(browser, cage, handling="out"))
    # From 08:30 to 10:30, both included.
    assert "121 minutes left out." in words
    assert "Perfect 0 0.0 % Ok 30 5.0 % Bad 0 0.0 % Not known 569 95.0 %" in words
    assert "Minutes in this period 599 Handling, left out 121" in words


def test_nothing_but_the_shares_changes(browser, cage):
    record_minutes(cage, slot("09:00"), [BAD] * 60)
    make_mark(cage, at("09:30"))
    with_all = history(browser, cage).context
    without = history(browser, cage, handling="out").context
    for name in ("minutes", "sensor", "buckets", "bad_spells", "shares_chart"):
        assert without[name] == with_all[name]


def test_a_mark_of_the_room_before_the_window_counts_as_far_as_it_reaches(browser, cage, settings):
    settings.HANDLING_MARGIN_MINUTES = 10
    make_mark(cage.room, at("23:55", NOW.date() - DAY))
    page = history(browser, cage, handling="out")
    assert page.context["left_out"].left_out == 6
    assert "with 10 min before and after it" in text_of(page)


def test_the_choice_stays_while_other_days_are_chosen(browser, cage):
    page = history(browser, cage, handling="out").content.decode()
    assert 'href="?handling=out&amp;span=7d"' in page
    assert '<input type="hidden" name="handling" value="out">' in page
    assert 'href="?span=today"' in page


def test_it_is_not_offered_for_more_days_than_have_strips(browser, cage):
    first = (NOW - STRIP_DAYS * DAY).date()
    page = history(browser, cage, handling="out", span="", **{"from": first, "to": NOW.date()})
    assert f"Handling can be left out of up to {STRIP_DAYS} days." in text_of(page)
    assert "left_out" not in page.context_data


def test_the_queries_do_not_grow_with_the_marks(browser, cage):
    make_mark(cage, at("09:30"))
    few = queries_of(history, browser, cage, handling="out")
    for number in range(10):
        make_mark((cage, cage.rack, cage.room)[number % 3], at("09:00"))
    assert queries_of(history, browser, cage, handling="out") == few
