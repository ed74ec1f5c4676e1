"""The list: what each row says, in which order, how it is searched and paged."""

import html
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from cages.models import Cage, CageState, Health, Outcome
from cages.polling.recorder import record
from tests.factories import (
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
)
from tests.pages import queries_of, text_of

NOW = at("07:02:30")
pytestmark = pytest.mark.usefixtures("clock")
LIST = reverse("cage-list")
# The query that tells whether a person may add cages. Staff need none.


def rows_of(response):
    """The text of each row in the table, by column, with age and id apart from their cells."""
    body = response.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    for name in ("age", "id"):
        body = re.sub(
            rf'<span class="{name}\b', f'</td><td class="cell-{name}"><span class="', body
        )
    cells = re.compile(r'<td class="cell-(\w+)[^>]*>(.*?)</td>', re.S)
    return [
        {name: text_of(cell) for name, cell in cells.findall(row)}
        for row in body.split("</tr>")
        if "<td" in row
    ]


def labels(response):
    return [row["label"] for row in rows_of(response)]


def only_row(response):
    (row,) = rows_of(response)
    return row


def known(cage, status, ago):
    """The cage's last reading was so long before NOW."""
    return CageState.objects.create(
        cage=cage,
        status=status,
        reading_slot=NOW - ago,
        status_since=NOW - ago,
        outcome=Outcome.ANSWERED,
        outcome_slot=NOW - ago,
        outcome_since=NOW - ago,
    )


# What a row says


def test_a_row_shows_state_age_id_label_position_and_the_last_request(browser, user):
    cage = make_cage("Colony 4", owner=user, id=117, room="R2", rack="B", row="B", column=7)
    record_minute(cage, slot("07:02"), Health.PERFECT)
    response = browser.get(LIST)
    assert only_row(response) == {
        "tick": "Colony 4",
        "state": "Perfect",
        "age": "30 s ago",
        "id": "117",
        "label": "Colony 4",
        "position": "R2 · rack B · B-07",
        "strip": "",
        "known": "0 % 0 of 422",
        "sensor": "answered",
    }
    page = response.content.decode()
    assert '<a href="/cages/117/">Colony 4</a>' in page


def test_failures_do_not_touch_the_last_known_health(browser, user):
    cage = make_cage(owner=user)
    record_minutes(cage, slot("07:00"), [Health.BAD, Outcome.UNAVAILABLE, Outcome.UNAVAILABLE])
    row = only_row(browser.get(LIST))
    assert row["state"] == "Bad for at least 1 min, 1 of 1 known"
    assert (row["age"], row["sensor"]) == ("2 min ago", "unavailable (503)")


@pytest.mark.parametrize("health", list(Health))
def test_each_health_has_its_own_shape_and_word(browser, user, health):
    record_minute(make_cage(owner=user), slot("07:02"), health)
    body = browser.get(LIST).content.decode().partition("<tbody>")[2]
    state = body.partition("cell-state")[2].partition("</td>")[0]
    assert f'<span class="word">{health.label}</span>' in state
    assert f'<svg class="shape is-{health.label.lower()}"' in state


@pytest.mark.parametrize(
    ("ago", "state", "age"),
    [
        (timedelta(seconds=40), "Ok", "40 s ago"),
        (timedelta(minutes=4, seconds=59), "Ok", "4 min ago"),
        (timedelta(minutes=5), "Ok", "last known 5 min ago"),
        (timedelta(minutes=11, seconds=59), "Ok", "last known 11 min ago"),
        (timedelta(minutes=12), "Unseen", "last known Bad, 12 min ago"),
        (timedelta(hours=26, minutes=5), "Unseen", "last known Bad, 1 d 2 h ago"),
        # The database's clock may be a little ahead.
        (timedelta(seconds=-3), "Ok", "0 s ago"),
    ],
)
def test_an_old_reading_is_late_at_5_minutes_and_unseen_at_12(browser, user, ago, state, age):
    known(make_cage(owner=user), Health.BAD if state == "Unseen" else Health.OK, ago)
    row = only_row(browser.get(LIST))
    assert (row["state"], row["age"]) == (state, age)


@pytest.mark.parametrize(("minutes", "late"), [(4, False), (5, True), (12, True)])
def test_a_late_age_has_a_clock_beside_its_words(browser, user, minutes, late):
    known(make_cage(owner=user), Health.PERFECT, minutes * MINUTE)
    age = browser.get(LIST).content.decode().partition('class="age')[2].partition("</td>")[0]
    assert ("is-late" in age, "<svg" in age) == (late, late)


def test_a_cage_that_has_been_bad_for_days_says_for_how_long_at_any_time(browser, user):
    bad_for_days(make_cage(owner=user))
    assert only_row(browser.get(LIST))["state"] == "Bad for 3 d 2 h, 3,330 of 4,440 known"


def test_the_unseen_that_were_bad_come_before_the_others_and_are_counted(browser, user):
    known(make_cage("A", owner=user), Health.PERFECT, 20 * MINUTE)
    known(make_cage("B", owner=user), Health.BAD, 20 * MINUTE)
    known(make_cage("C", owner=user), Health.BAD, MINUTE)
    page = browser.get(LIST)
    assert labels(page) == ["C", "B", "A"]
    assert "1 Bad 2 Unseen (1 of them last known Bad)" in text_of(page)
    assert labels(browser.get(LIST, {"state": "unseen"})) == ["B", "A"]


def test_minutes_before_a_cage_was_created_are_no_minutes_of_it(browser, user):
    cage = make_cage(owner=user, created_at=at("06:52:10"))
    record_minutes(cage, slot("06:53"), [Health.OK, Outcome.TIMEOUT, Health.OK])
    assert only_row(browser.get(LIST))["known"] == "20 % 2 of 10"
    body = browser.get(LIST).content.decode().partition("<tbody>")[2]
    strip = body.partition("cell-strip")[2].partition("</td>")[0]
    assert 'aria-label="Last 60 minutes: 2 Ok, 1 no answer, 7 not watched"' in strip
    assert 'd="M51 11h1M53 11h1"' in strip


def test_a_new_cage_waits_for_its_first_reading(browser, user):
    make_cage(owner=user, created_at=NOW - 2 * MINUTE)
    row = only_row(browser.get(LIST))
    assert (row["state"], row["age"]) == ("No reading yet", "no reading yet")
    assert (row["sensor"], row["position"]) == ("not polled yet", "–")


def test_a_cage_that_never_answered_is_unseen(browser, user):
    record_minute(make_cage(owner=user), slot("07:01"), outcome=Outcome.CONNECTION_ERROR)
    row = only_row(browser.get(LIST))
    assert (row["state"], row["age"]) == ("Unseen", "no reading yet")
    assert row["sensor"] == "connection error"


def test_a_paused_cage_says_so_and_what_was_known_last(browser, user):
    known(make_cage(owner=user, is_polled=False), Health.OK, timedelta(hours=3))
    row = only_row(browser.get(LIST))
    assert (row["state"], row["age"]) == ("Paused", "last known Ok, 3 h ago")
    # The age of a request is told where it is not of the last minutes.
    assert row["sensor"] == "answered 3 h ago"


def test_the_position_leads_to_the_rack(browser, user):
    cage = make_cage(owner=user, rack="B", row="B", column=7)
    assert (
        f'href="{reverse("rack-detail", args=[cage.rack_id])}"'
        in browser.get(LIST).content.decode()
    )


def test_an_archived_cage_is_not_in_the_list(browser, user):
    make_cage("Gone", owner=user, archived_at=at("06:00"))
    assert "No cages yet" in browser.get(LIST).content.decode()


def test_a_label_and_a_position_with_markup_are_only_text(browser, user):
    nasty = "<script>alert(1)</script>\"'&"
    make_cage(nasty, owner=user, room="<b>R</b>", rack="<i>")
    response = browser.get(LIST)
    assert only_row(response)["label"] == nasty
    page = response.content.decode()
    assert "<script>" not in page
    assert "<b>R" not in page


# Empty


def test_an_empty_list_says_how_to_begin(browser):
    page = text_of(browser.get(LIST))
    assert "No cages yet" in page
    assert "Add the first cage" in page


def test_a_search_without_a_match_says_what_was_searched(browser, user):
    make_cage("Colony 4", owner=user)
    for words in ("nothing like it", "4711", "%", "_", "\\", "<script>"):
        page = browser.get(LIST, {"q": words}).content.decode()
        assert f"No cages match “{words}”" in text_of(page)
        assert "<script>" not in page


# Order


@pytest.fixture
def mixed(user):
    """One cage of every condition; its label says which, its id is in another order."""
    late = {"created_at": at("00:00")}
    known(make_cage("Perfect", owner=user, id=1, room="R1", **late), Health.PERFECT, MINUTE)
    known(make_cage("Paused", owner=user, id=2, is_polled=False), Health.BAD, MINUTE)
    known(make_cage("Ok", owner=user, id=3, rack="A", row="B", column=10), Health.OK, MINUTE)
    make_cage("Waiting", owner=user, id=4, rack="A", row="B", column=9, created_at=NOW - MINUTE)
    unseen = make_cage("Unseen", owner=user, id=5, rack="A", row="AA", column=1)
    known(unseen, Health.OK, 60 * MINUTE)
    known(make_cage("bad", owner=user, id=6, rack="a", row="A", column=2), Health.BAD, MINUTE)
    known(make_cage("Bad first", owner=user, id=7, room="r1", rack="Z"), Health.BAD, 11 * MINUTE)


WORST_FIRST = ["bad", "Bad first", "Unseen", "Waiting", "Ok", "Perfect", "Paused"]


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, WORST_FIRST),
        ("worst", WORST_FIRST),
        ("nonsense", WORST_FIRST),
        ("label", ["bad", "Bad first", "Ok", "Paused", "Perfect", "Unseen", "Waiting"]),
        ("id", ["Perfect", "Paused", "Ok", "Waiting", "Unseen", "bad", "Bad first"]),
        ("position", ["Paused", "bad", "Waiting", "Ok", "Unseen", "Perfect", "Bad first"]),
    ],
)
def test_the_worst_is_first_unless_another_order_is_chosen(browser, order, expected):
    response = browser.get(LIST, {"order": order} if order else {})
    assert labels(response) == expected
    chosen = order if order in ("label", "id", "position") else "worst"
    assert f'<option value="{chosen}" selected>' in response.content.decode()


# Pages


@pytest.fixture
def many(user):
    """120 cages, "000" to "119", all of them Ok."""
    cages = Cage.objects.bulk_create(
        Cage(label=f"{number:03d}", owner=user, created_at=at("00:00")) for number in range(120)
    )
    CageState.objects.bulk_create(
        CageState(
            cage=cage,
            status=Health.OK,
            reading_slot=NOW - MINUTE,
            outcome=Outcome.ANSWERED,
            outcome_slot=NOW - MINUTE,
        )
        for cage in cages
    )
    return cages


@pytest.mark.usefixtures("many")
def test_a_page_has_25_50_or_100_rows(browser):
    for wanted, rows in ((None, 50), ("25", 25), ("100", 100)):
        response = browser.get(LIST, {"per_page": wanted} if wanted else {})
        assert labels(response) == [f"{number:03d}" for number in range(rows)]
        assert f"1–{rows} of 120 cages" in text_of(response)


def test_a_page_of_an_odd_size_has_50_rows(browser):
    for odd in ("0", "-1", "1000000", "x", "25.0", "\x00", ""):
        assert browser.get(LIST, {"per_page": odd}).context["page_size"] == 50


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("shown", "pages"),
    [(2, ["2"]), (5, ["5", "6", "9" * 30, "0", "-1"]), (1, ["last", "x", "", "\x00", "1.5"])],
)
def test_a_page_that_is_not_there_shows_the_last_one_and_nonsense_the_first(browser, shown, pages):
    for page in pages:
        response = browser.get(LIST, {"page": page, "per_page": 25})
        assert labels(response)[0] == f"{25 * (shown - 1):03d}"


@pytest.mark.usefixtures("many")
def test_links_to_other_pages_keep_search_order_and_page_size(browser):
    address = {"q": "1", "order": "label", "per_page": "25", "page": "1"}
    page = browser.get(LIST, address).content.decode()
    following = html.unescape(re.search(r'<a class="page-link" href="([^"]+)" rel="next"', page)[1])
    response = browser.get(LIST + following)
    assert response.context["filter"].q == "1"
    assert response.context["filter"].order == "label"
    assert response.context["page_size"] == 25
    assert response.context["page_obj"].number == 2
    assert all("1" in label for label in labels(response))
    assert labels(response)[0] > labels(browser.get(LIST, address))[-1]


@pytest.mark.usefixtures("many")
def test_the_form_keeps_what_the_address_says(browser):
    page = browser.get(LIST, {"q": '1"<', "order": "id", "per_page": "25"}).content.decode()
    assert 'value="1&quot;&lt;"' in page
    assert '<option value="id" selected>' in page
    assert '<option value="25" selected>25 rows</option>' in page


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("address", "left", "rows"),
    [({"order": "id", "per_page": "25", "page": "1"}, "?order=id&per_page=25", 25), ({}, "?", 50)],
)
def test_clearing_the_search_keeps_order_and_page_size(browser, address, left, rows):
    page = browser.get(LIST, {"q": "11", **address}).content.decode()
    cleared = html.unescape(re.search(r'href="([^"]*)">Clear the search', page)[1])
    assert cleared.removeprefix(LIST) in (left, "")
    assert len(labels(browser.get(LIST + cleared.removeprefix(LIST)))) == rows


def test_one_page_has_no_page_numbers(browser, user):
    make_cage(owner=user)
    page = browser.get(LIST).content.decode()
    assert "pagination" not in page
    assert "1–1 of 1 cage" in text_of(page)


# Queries


@pytest.mark.parametrize("is_staff", [False, True])
def test_the_number_of_queries_is_the_same_for_1_and_100_cages(db, client_of, is_staff):
    person = make_user("counting", is_staff=is_staff)
    make_cycle(slot("07:01"), planned=1)
    browser = client_of(person)
    counts = []
    for number in (1, 100):
        new = [make_cage(owner=person) for _ in range(number - Cage.objects.count())]
        record(slot("07:01"), [result(cage) for cage in new], now=NOW)
        # The first page of a cycle judges its answers.
        browser.get(LIST)
        counts.append(queries_of(browser.get, LIST, {"per_page": 100}))
    assert len(rows_of(browser.get(LIST, {"per_page": 100}))) == 100
    assert len(set(counts)) == 1
    # Session and person, the footer's cycle, the header's light, counts with choices, the rows and
    # two for their light.
    assert counts[0] <= 9


@pytest.mark.usefixtures("many")
def test_no_order_search_or_page_takes_more_queries(browser):
    browser.get(LIST)
    for order in ("worst", "label", "id", "position"):
        address = {"order": order, "q": "1", "page": 2, "per_page": 25}
        assert queries_of(browser.get, LIST, address) <= 9
