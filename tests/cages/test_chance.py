"""Too few answers: the rule, the facility's own share, the racks, and the footer that says so."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from cages.history.chance import PROBABILITY, USUAL_SHARE, is_too_few, silence_of, usual_share
from cages.models import Cage, Outcome, PollCycle
from tests.factories import MINUTE, at, make_cage, make_cycle, make_user, record_minute, slot
from tests.pages import text_of

NOW = at("07:02:30")
LIST = reverse("cage-list")
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


def footer_of(browser):
    """(the class of the footer, its words)."""
    line = browser.get(LIST).content.decode().partition('<footer class="')[2]
    return line.partition('"')[0], text_of("<" + line.partition("</footer>")[0])


@pytest.mark.parametrize(
    ("answered", "asked", "share", "few"),
    [
        # 0.25 ** 9 is 3.8e-6, and 0.25 ** 10 is 9.5e-7.
        (0, 9, 0.75, False),
        (0, 10, 0.75, True),
        (9, 12, 0.75, False),
        (0, 0, 0.75, False),
        (345, 500, 0.75, False),
        (320, 500, 0.75, True),
        # A facility whose sensors seldom answer is never told so.
        (0, 12, 0.1, False),
        # Fifty thousand sensors: 5 standard deviations of 97 below 37,500.
        (37_300, 50_000, 0.75, False),
        (36_990, 50_000, 0.75, True),
    ],
)
def test_few_answers_are_those_that_chance_would_give_once_in_a_million(
    answered, asked, share, few
):
    assert PROBABILITY == 1e-6
    assert is_too_few(answered, asked, share) == few


def test_each_of_many_tests_has_its_part_of_the_probability():
    assert is_too_few(0, 10, 0.75)
    assert not is_too_few(0, 10, 0.75, tests=50)


def test_the_usual_share_is_the_facilitys_own_and_outlasts_three_days_of_fault(db):
    assert usual_share(NOW) == USUAL_SHARE
    for hour in range(7 * 24):
        answered = 10 if hour < 70 else 500
        make_cycle(slot("07:00") - hour * timedelta(hours=1), planned=1000, answered=answered)
    assert usual_share(NOW) == pytest.approx(0.5, abs=0.001)


def test_a_ledger_with_more_answers_than_polls_breaks_nothing(db):
    make_cycle(NOW.replace(minute=0, second=0), planned=80, answered=160)
    assert usual_share(NOW) < 1


def test_a_fault_from_the_first_minute_on_never_becomes_usual(db):
    for hour in range(48):
        make_cycle(slot("07:00") - hour * timedelta(hours=1), planned=12, answered=0)
    assert usual_share(NOW) == USUAL_SHARE


def test_no_answer_at_all_makes_the_footer_amber_and_names_the_gateway(browser):
    make_cycle(slot("07:01"), planned=12, answered=9, unavailable=3)
    assert footer_of(browser)[0] == "watch"
    PollCycle.objects.update(answered=0, unavailable=12)
    css, words = footer_of(browser)
    assert css == "watch is-silent"
    assert "0 of 12 answered: the sensors' gateway is probably away." in words


def test_fewer_answers_than_chance_allows_are_told_beside_the_usual_number(browser):
    make_cycle(slot("07:01"), planned=500, answered=300, unavailable=200)
    assert "Only 300 of 500 answered. Usually about 375 do." in footer_of(browser)[1]


def rack_of(owner, rack, outcome, count=16):
    for _ in range(count):
        cage = make_cage(owner=owner, room="R2", rack=rack)
        record_minute(cage, slot("07:01"), outcome=outcome)


@pytest.fixture
def silent_rack(user):
    """Rack B of R2 did not answer; racks A and C did."""
    rack_of(user, "A", Outcome.ANSWERED)
    rack_of(user, "B", Outcome.TIMEOUT)
    rack_of(user, "C", Outcome.ANSWERED)
    make_cycle(slot("07:01"), planned=48, answered=32, timeout=16)


@pytest.mark.usefixtures("silent_rack")
def test_the_rack_that_is_silent_is_named(browser):
    words = footer_of(browser)[1]
    assert "Rack B: only 0 of 16 answered. (R2)" in words
    assert "Rack A" not in words


@pytest.mark.usefixtures("silent_rack")
def test_the_rack_is_still_named_while_the_next_minute_is_recorded(browser):
    for cage in Cage.objects.all():
        record_minute(cage, slot("07:02"), outcome=Outcome.ANSWERED)
    assert "Rack B: only 0 of 16 answered." in footer_of(browser)[1]


@pytest.mark.usefixtures("silent_rack")
def test_a_rack_is_named_only_to_those_who_see_a_cage_in_it(client_of):
    assert footer_of(client_of(make_user()))[0] == "watch"


def test_a_person_is_told_of_their_own_rack_however_many_others_are_worse(browser, user):
    for rack in ("A", "B", "C", "D"):
        rack_of(make_user(), rack, Outcome.TIMEOUT, count=20)
    rack_of(user, "E", Outcome.TIMEOUT)
    make_cycle(slot("07:01"), planned=400, answered=304, timeout=96)
    words = footer_of(browser)[1]
    assert "Rack E: only 0 of 16 answered. (R2)" in words
    assert "Rack A" not in words
    assert "Too few answered in more racks." not in words


@pytest.mark.usefixtures("silent_rack")
def test_a_cycle_is_judged_once_and_without_redis_each_time(
    settings, django_assert_num_queries, monkeypatch
):
    cycle = PollCycle.objects.get()
    with django_assert_num_queries(2):
        first, second = (silence_of(cycle, NOW + n * MINUTE) for n in range(2))
    assert first == second
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    }
    with django_assert_num_queries(4):
        assert [silence_of(cycle, NOW) for _ in range(2)] == [first, first]
