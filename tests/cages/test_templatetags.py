"""How states, ages and figures are put into words and shapes."""

from datetime import timedelta

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory

from cages.drawing import words as say
from cages.history.summaries import Share
from cages.models import Condition, Health
from cages.templatetags import cages as tags
from tests.factories import at

SECOND, MINUTE, HOUR, DAY = (
    timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days")
)


def render(template, **context):
    return Template("{% load cages %}" + template).render(Context(context))


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (None, ""),
        (timedelta(0), "0 s"),
        (-5 * SECOND, "0 s"),
        (timedelta(milliseconds=999), "0 s"),
        (20 * SECOND, "20 s"),
        (MINUTE - timedelta(microseconds=1), "59 s"),
        (MINUTE, "1 min"),
        (34 * MINUTE + 59 * SECOND, "34 min"),
        (HOUR - SECOND, "59 min"),
        (HOUR, "1 h"),
        (2 * HOUR + 5 * MINUTE, "2 h 5 min"),
        (DAY - SECOND, "23 h 59 min"),
        (DAY, "1 d"),
        (DAY + HOUR - SECOND, "1 d"),
        (3 * DAY + 4 * HOUR, "3 d 4 h"),
        (400 * DAY, "400 d"),
    ],
)
def test_a_duration_is_said_as_people_say_it(duration, words):
    assert say.in_words(duration) == words


@pytest.mark.parametrize(
    ("moment", "now", "words"),
    [
        ("07:01", at("07:02:30"), "07:01"),
        ("00:00", at("23:59"), "00:00"),
        ("23:59", at("00:01") + DAY, "2026-03-02 23:59"),
        # At the facility in Berlin it is the 3rd by then, though in UTC still the 2nd.
        ("23:59", at("23:59") + 2 * MINUTE, "2026-03-02 23:59"),
    ],
)
def test_the_day_is_said_with_the_time_when_it_is_another_one(moment, now, words):
    assert say.day_and_time(at(moment), now) == words


def test_since_is_the_time_up_to_now_or_nothing():
    assert tags.since(at("06:28"), at("07:02")) == "34 min"
    assert tags.since(None, at("07:02")) == ""


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(None, "–"), (0, "0.0 s"), (1234, "1.2 s"), (2950.4, "3.0 s"), (10_000, "10.0 s")],
)
def test_milliseconds_are_said_as_seconds(milliseconds, words):
    assert say.ms_as_seconds(milliseconds) == words


@pytest.mark.parametrize(
    ("count", "total", "words"),
    [
        (0, 0, ("–", "–", "–")),
        (0, 5, ("0.0 %", "0 %", "0.0 % (0)")),
        (5, 5, ("100.0 %", "100 %", "100.0 % (5)")),
        (325, 432, ("75.2 %", "75 %", "75.2 % (325)")),
        (1, 1440, ("0.1 %", "< 1 %", "0.1 % (1)")),
        (1, 5760, ("< 0.1 %", "< 1 %", "< 0.1 % (1)")),
        (5758, 5760, ("> 99.9 %", "> 99 %", "> 99.9 % (5,758)")),
        (5754, 5760, ("99.9 %", "> 99 %", "99.9 % (5,754)")),
    ],
)
def test_a_share_is_all_or_nothing_only_where_it_is_so(count, total, words):
    share = Share(count, total)
    assert (say.percent(share), say.whole_percent(share), say.percent_and_count(share)) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, "–"),
        (0.0, "0.0 %"),
        (0.0004, "< 0.1 %"),
        (0.6789, "67.9 %"),
        (0.9999, "> 99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_a_fraction_is_rounded_and_never_told_as_all_or_nothing(number, words):
    assert say.fraction(number) == words


@pytest.mark.parametrize(
    ("bound", "words"),
    [(0, "0.0"), (0.01, "0.1"), (95.24, "95.2"), (99.99, "99.9"), (100, "100.0")],
)
def test_a_bound_of_a_band_is_all_or_nothing_only_where_it_is_so(bound, words):
    assert say.percent_bound(bound) == words


def test_every_condition_has_a_shape_of_its_own():
    shapes = {condition: render("{% shape c %}", c=condition) for condition in Condition}
    drawings = {markup.partition(">")[2] for markup in shapes.values()}
    assert len(drawings) == len(Condition)
    for condition, markup in shapes.items():
        assert f'class="shape is-{condition.value}"' in markup
        assert 'aria-hidden="true"' in markup


def test_a_shape_of_no_condition_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        tags.shape("nonsense")


@pytest.mark.parametrize("status", [*Health, 1, 2, 3])
def test_a_health_is_a_shape_and_its_word(status):
    markup = render("{% health status %}", status=status)
    assert f'<span class="word">{Health(status).label}</span>' in markup
    assert "<svg" in markup


# Page numbers


def pages(number, address="", count=10, **options):
    page = Paginator(range(count), 1).get_page(number)
    request = RequestFactory().get(f"/{address}")
    return tags.pages({"request": request}, page, **options)


def test_page_links_keep_all_else_in_the_address():
    shown = pages(2, "?q=a%26b&order=id&page=2&q=c")
    assert shown["previous"] == "?q=a%26b&q=c&order=id&page=1"
    assert shown["next"] == "?q=a%26b&q=c&order=id&page=3"


def test_another_parameter_and_a_place_on_the_page_can_be_named():
    shown = pages(1, "?requests=7", parameter="readings", anchor="readings")
    assert shown["next"] == "?requests=7&readings=2#readings"
    assert shown["label"] == "Pages of readings"


def test_the_first_page_has_none_before_it_and_the_last_none_after_it():
    assert pages(1)["previous"] == ""
    assert pages(10)["next"] == ""


def test_of_many_pages_the_ends_and_the_neighbours_are_shown():
    numbers = pages(50, count=100)["numbers"]
    assert [str(number["text"]) for number in numbers] == ["1", "…", "49", "50", "51", "…", "100"]
    assert [number["text"] for number in numbers if number["current"]] == [50]
    assert [number["href"] for number in numbers if number["text"] == "…"] == ["", ""]


def test_one_page_has_no_numbers():
    request = RequestFactory().get("/")
    page = Paginator(range(1), 1).get_page(1)
    assert render("{% pages page %}", page=page, request=request).strip() == ""


def test_a_link_with_markup_in_the_address_is_only_text():
    request = RequestFactory().get("/", {"q": '"><script>'})
    page = Paginator(range(2), 1).get_page(1)
    assert "<script" not in render("{% pages page %}", page=page, request=request)
