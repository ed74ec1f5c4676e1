"""The past of a cage: any days, one minute in context, and cages beside each other."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from cages.models import Health, Outcome
from tests.factories import MINUTE, at, make_cage, record_minute, record_minutes, slot
from tests.pages import queries_of, text_of

NOW = at("07:02:30")
pytestmark = pytest.mark.usefixtures("clock")
DAY = timedelta(days=1)
BAD, OK, PERFECT = Health
HISTORY = "cage-history"


@pytest.fixture
def cage(user):
    return make_cage("Colony", user, created_at=NOW - 800 * DAY)


def history(browser, cage, **query):
    return browser.get(reverse(HISTORY, args=[cage.pk]), query)


def test_any_day_is_shown_with_the_days_before_and_after(browser, cage):
    record_minutes(cage, slot("06:00") - DAY, [BAD, BAD, Outcome.TIMEOUT, OK, None, PERFECT])
    words = text_of(page := history(browser, cage, **{"from": "2026-03-01"}))
    assert "1,440 full minutes from 2026-03-01 00:00 to 2026-03-02 00:00 (Europe/Berlin)." in words
    assert "Perfect 1 0.1 % Ok 1 0.1 % Bad 2 0.1 % Not known 1,436 99.7 %" in words
    assert "Not known: 1 polled without an answer, 1,435 not watched." in words
    assert "Requests 6" not in words
    assert "Requests 5 Answered 4 Success 80.0 %" in words
    assert 'rel="prev" href="?from=2026-02-28&amp;to=2026-02-28"' in page.content.decode()
    assert 'rel="next" href="?from=2026-03-02&amp;to=2026-03-02"' in page.content.decode()
    assert 'rel="next"' not in history(browser, cage).content.decode()


def test_only_a_minute_that_was_asked_for_is_marked(browser, cage):
    for span in ("today", "24h", "7d"):
        assert 'class="mark"' not in history(browser, cage, span=span).content.decode()


def test_it_says_since_when_there_can_be_minutes_at_all(browser, user):
    cage = make_cage(owner=user)
    words = "Since 2026-03-01 00:00, when this cage was created."
    assert words in text_of(history(browser, cage, span="7d"))
    assert words not in text_of(history(browser, cage, span="today"))


def test_many_days_are_stacked_on_one_scale(browser, cage):
    record_minute(cage, slot("06:00") - DAY, status=BAD)
    page = history(browser, cage, span="30d").content.decode()
    assert page.count('class="row-of-day"') == 30
    assert 'viewBox="0 0 1440 16"' in page
    assert 'aria-label="2026-03-01: 1 Bad, 1439 not watched"' in page
    assert "<use" not in page
    double = history(browser, cage, span="30d", double="1").content.decode()
    assert double.count('viewBox="0 0 2880 16"') == 30
    assert '<use href="#day-2026-03-02" x="1440"/>' in double
    assert double.count("<use") == 29


def test_a_day_of_25_hours_is_longer_than_the_others(browser, cage):
    page = history(browser, cage, **{"from": "2025-10-25", "to": "2025-10-27"})
    assert 'viewBox="0 0 1500 16"' in page.content.decode()
    assert "10-26 25 h" in text_of(page)
    assert "4,380 full minutes" in text_of(page)


def test_what_is_not_over_yet_is_no_short_day(browser, cage):
    assert " h" not in history(browser, cage, span="7d").context["stack"].rows[-1]
    assert "03-02 7 h" not in text_of(history(browser, cage, span="7d"))


def test_more_than_90_days_have_shares_and_no_strips(browser, cage):
    page = history(browser, cage, **{"from": "2025-03-02", "to": "2026-03-02"})
    assert "Strips, Bad periods and gaps are shown for up to 90 days." in text_of(page)
    assert len(page.context["buckets"]) == 366
    assert page.context["health_summary"].minutes == page.context["window"].minutes
    assert "Bad periods, longest" not in text_of(page)


@pytest.mark.parametrize("query", [{}, {"span": "30d"}, {"from": "2025-03-02", "to": "2026-03-02"}])
def test_the_queries_are_few_and_fixed(browser, cage, query):
    counts = []
    for minutes in (1, 50):
        record_minutes(cage, slot("05:00") - minutes * MINUTE, [BAD] * minutes)
        counts.append(queries_of(history, browser, cage, **query))
    assert counts[0] == counts[1] <= 15


def test_spells_and_silences_are_listed_longest_first(browser, cage):
    begin = slot("01:00")
    silence = [Outcome.UNAVAILABLE] * 13
    first = [BAD, BAD, Outcome.TIMEOUT, BAD, OK, OK]
    record_minutes(cage, begin, [*first, BAD, *silence, BAD, OK, OK])
    words = text_of(page := history(browser, cage, span="today"))
    assert "2026-03-02 01:00 01:03 at least 4 min, 3 of 4 minutes known" in words
    assert "2026-03-02 01:06 01:20 15 min, 2 of 15 minutes known" in words
    assert page.context["bad_count"] == 2
    assert "2026-03-02 01:07 13 min" in words
    none = text_of(history(browser, cage, **{"from": "2026-02-20"}))
    assert none.count("None in this period.") == 2


def test_days_that_make_no_sense_are_told_where_they_were_given(browser, cage):
    words = text_of(history(browser, cage, **{"from": "2026-03-05", "to": "2026-03-04"}))
    assert "The first day is after the last one. Today is shown." in words


def test_a_link_to_a_minute_opens_it_in_context(browser, cage):
    record_minutes(cage, slot("03:10"), [OK, OK, Outcome.TIMEOUT, None, BAD, OK])
    response = browser.get(reverse("cage-detail", args=[cage.pk]), {"at": "2026-03-02T03:14"})
    assert response.status_code == 302
    assert response.url.endswith(
        "/history/?from=2026-03-02&to=2026-03-02&at=2026-03-02T03:14%2B0100#minute"
    )
    page = browser.get(response.url)
    words = text_of(page)
    assert "The minute 2026-03-02 03:14" in words
    assert "03:12 – timeout 1.5 s 03:13 – not watched – 03:14 Bad answered" in words
    assert [one.slot for one in page.context["moments"] if one.is_meant] == [slot("03:14")]
    assert len(page.context["moments"]) == 21
    assert 'class="mark"' in page.content.decode()


def test_the_minute_under_way_is_not_called_unwatched(browser, cage):
    def last():
        return history(browser, cage, at="2026-03-02T07:01").context["moments"][-1].slot

    assert last() == slot("07:01")
    record_minute(cage, slot("07:02"), status=OK)
    assert last() == slot("07:02")


@pytest.mark.parametrize(
    "text", ["2026-03-02T02:14Z", "2026-03-02T03:14+01:00", "2026-03-02T03:14 01:00"]
)
def test_a_minute_may_be_named_with_an_offset(browser, cage, text):
    page = browser.get(reverse("cage-detail", args=[cage.pk]), {"at": text}, follow=True)
    assert "The minute 2026-03-02 03:14" in text_of(page)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "'yesterday' is not a time like"),
        ("\x00", "is not a time like"),
        ("9999-99-99T00:00", "'9999-99-99T00:00' is not a time like"),
        ("9999-12-31T23:59Z", "Write a year from 1970 to 2999."),
        ("0001-01-01T00:00", "Write a year from 1970 to 2999."),
        ("2026-03-01T24:00", "write 24:00 as 00:00 of the next day."),
        ("2025-10-26T02:30", "Write 2025-10-26T02:30:00+02:00 or 2025-10-26T02:30:00+01:00."),
        ("2025-03-30T02:30", "2025-03-30T02:30:00 never comes in Europe/Berlin"),
        ("2999-12-31T23:59", "The minute 2999-12-31 23:59 is not over yet"),
        ("1970-01-01", "The minute 1970-01-01 00:00 is not over yet, or this cage did not exist"),
    ],
)
def test_a_minute_that_cannot_be_shown_is_said_in_words(browser, cage, text, words):
    address = reverse("cage-detail", args=[cage.pk])
    assert words in text_of(browser.get(address, {"at": text}, follow=True))
    assert words in text_of(browser.get(f"{address}history/", {"at": text}))


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("0001-01-01", "Write a year from 1970 to 2999. Today is shown."),
        ("9999-12-31", "Write a year from 1970 to 2999. Today is shown."),
        ("2999-12-31", "These days are in the future. Today is shown."),
        ("1970-01-01", "0 full minutes from 1970-01-02 00:00"),
    ],
)
def test_the_ends_of_the_calendar_are_days_like_others(browser, cage, first, words):
    assert words in text_of(history(browser, cage, **{"from": first}))


def test_the_charts_are_told_what_the_table_says(browser, cage):
    record_minutes(cage, slot("05:00"), [BAD, Outcome.TIMEOUT, OK, None])
    page = history(browser, cage, span="today")
    chart = page.context["shares_chart"]
    assert chart["minutes"] == [60] * 7 + [2]
    assert [values[5] for _key, _word, values in chart["series"]] == [0, 1, 1, 1, 57]
    latency = page.context["latency_chart"]["series"]
    assert [values[5] is None for _key, _word, values in latency] == [False] * 3
    assert [values[4] for _key, _word, values in latency] == [None] * 3
    assert page.content.decode().count('type="application/json"') == 2


def test_cages_are_compared_with_their_coverage(browser, user, cage):
    other = make_cage("Other", user)
    record_minutes(cage, slot("05:00"), [BAD] * 211)
    page = browser.get(
        reverse("cage-compare"), {"cage": [cage.pk, other.pk], "span": "today", "order": "id"}
    )
    words = text_of(page)
    assert "Colony 1" in words or f"Colony {cage.pk}" in words
    assert "Known 28.9 % (122)" in words
    # All of one cage's figures in one row.
    shares = "28.9 % (122) 0.0 % (0) 0.0 % (0) 28.9 % (122)"
    assert f"Colony {cage.pk} {shares} 0 min 300 min 122 100.0 % (122)" in words
    none = " ".join(["0.0 % (0)"] * 4)
    assert f"Other {other.pk} {none} 0 min 422 min 0 – – – –" in words
    assert "Known 0.0 % (0)" in words
    assert page.content.decode().count('class="bars"') == 2
    assert f'name="cage" value="{other.pk}"' in page.content.decode()


def test_a_younger_cage_is_compared_from_its_creation_on(browser, user, cage):
    young = make_cage("Young", user, created_at=at("06:30:40"))
    record_minutes(young, slot("06:31"), [OK] * 16)
    cages = {"cage": [cage.pk, young.pk]}
    for span, minutes in (("today", 32), ("7d", 32)):
        page = browser.get(reverse("cage-compare"), {**cages, "span": span})
        one = next(one for one in page.context["compared"] if one.cage == young)
        assert (one.health.minutes, one.health.not_watched) == (minutes, 16)
        assert "Since 2026-03-02 06:30, when this cage was created." in text_of(page)
        assert 'Young: 16 Ok, 16 not watched"' in page.content.decode()


def test_buckets_charts_and_gaps_begin_where_the_cage_was_created(browser, user):
    young = make_cage("Young", user, created_at=at("05:30"))
    record_minutes(young, slot("05:31"), [OK] * 16)
    page = history(browser, young, span="7d")
    assert [bucket.minutes for bucket in page.context["buckets"]] == [30, 60, 2]
    assert page.context["health_summary"].not_watched == 92 - 16
    context = history(browser, young, at="2026-03-02T05:31").context["moments"]
    assert context[0].slot == slot("05:30")
    assert history(browser, young, **{"from": "2026-02-01"}).context["buckets"] == []


def test_the_list_leads_to_the_comparison_and_too_many_cages_back(browser, user):
    for number in range(9):
        make_cage(f"Cage {number}", user)
    response = browser.get(reverse("cage-bulk"), {"act": "compare", "which": "all"})
    assert response.url == f"{reverse('cage-compare')}?which=all"
    page = browser.get(response.url, follow=True)
    assert "At most 8 cages can be compared at a time." in text_of(page)
    assert page.redirect_chain[-1][0].startswith(reverse("cage-list"))


def test_the_queries_of_a_comparison_do_not_grow_with_the_cages(browser, user):
    counts = []
    for number in (2, 8):
        while user.cages.count() < number:
            make_cage(owner=user)
        counts.append(queries_of(browser.get, reverse("cage-compare"), {"which": "all"}))
    assert counts[0] == counts[1] <= 12


def test_a_period_that_lasts_has_no_end(browser, cage):
    record_minutes(cage, slot("06:50"), [OK, *[BAD] * 11])
    for span in ("today", "24h"):
        words = text_of(history(browser, cage, span=span))
        assert "2026-03-02 06:51 ongoing 11 min, 11 of 11 minutes known" in words
    today = text_of(browser.get(cage.get_absolute_url()))
    assert "Longest Bad period: 11 min, 11 of 11 minutes known; since 06:51, ongoing." in today


def test_last_night_is_what_passed_before_this_morning(browser, cage):
    page = history(browser, cage, span="night")
    words = text_of(page)
    assert "720 full minutes from 2026-03-01 19:00 to 2026-03-02 07:00" in words
    assert "The night is from 19:00 to 07:00." in words


def test_the_filter_of_the_list_is_kept_on_the_way_through_the_history(browser, cage, user):
    other = make_cage("After it", user)
    kept = "state=unseen&order=label"
    page = history(browser, cage, state="unseen", order="label", span="30d").content.decode()
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+)"', page)}
    assert {f"/cages/?{kept}", f"/cages/{cage.pk}/?{kept}", f"?{kept}&span=365d"} <= links
    assert f"/cages/{other.pk}/history/?{kept}&span=30d" in links
    assert f"?{kept}&from=2026-03-01" in links
    compared = browser.get(reverse("cage-compare"), {"cage": cage.pk, "state": "unseen"})
    assert f"?cage={cage.pk}&amp;state=unseen&amp;span=90d" in compared.content.decode()
    exported = browser.get(reverse("cage-export"), {"cage": cage.pk, "state": "unseen"})
    assert '<a href="/cages/?state=unseen">' in exported.content.decode()
