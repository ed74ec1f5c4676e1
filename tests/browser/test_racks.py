"""Racks on a tablet, on a phone and printed."""

import itertools
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from cages.models import Health, Outcome, Rack
from cages.polling.recorder import record
from cages.slots import slot_of
from tests.factories import MINUTE, make_cage, make_cycle, make_user, result, result_of

pytestmark = pytest.mark.django_db(transaction=True)
STICKS_OUT = """() => [document.documentElement, ...document.querySelectorAll(".rack-scroll")]
  .map((node) => node.scrollWidth > node.clientWidth)"""


@pytest.fixture
def person():
    """The owner of rack B: 8 rows of 10 cages, in every state, with long labels."""
    ruth = make_user("ruth")
    now = slot_of(timezone.now())
    make_cycle(now - MINUTE, planned=80)
    cages = [
        make_cage(
            f"C57BL/6J x PV-Cre breeding pair {number}",
            *(ruth, "R2", "B", "ABCDEFGH"[number // 10], number % 10 + 1),
            strain="C57BL/6J",
            animal_count=5,
            is_polled=number % 9 != 0,
        )
        for number in range(80)
    ]
    record(now - 30 * MINUTE, [result(cage, Health.PERFECT) for cage in cages[3::4]], now)
    ended = itertools.cycle([*Health, Outcome.UNAVAILABLE])
    record(now - MINUTE, [result_of(cage, next(ended)) for cage in cages], now)
    return ruth


def rack_url(name):
    return reverse(name, args=(Rack.objects.get().pk,))


def test_eighty_cages_fit_a_tablet(new_page, person):
    page = new_page(person, size="tablet")
    page.goto(rack_url("rack-detail"))
    assert page.evaluate(STICKS_OUT) == [False, False]
    assert page.locator("td.is-held").count() == 80


def test_on_a_phone_only_the_grid_scrolls_sideways(new_page, person):
    page = new_page(person, size="phone")
    page.goto(rack_url("rack-detail"))
    assert page.evaluate(STICKS_OUT) == [False, True]


def test_the_whole_cell_opens_the_cage(new_page, person):
    page = new_page(person, size="tablet")
    page.goto(rack_url("rack-detail"))
    cell = page.locator("td.is-held").nth(11)
    label = cell.locator("a").inner_text().partition(",")[0].strip()
    box = cell.bounding_box()
    assert min(box["width"], box["height"]) >= 44
    page.mouse.click(box["x"] + 4, box["y"] + box["height"] - 4)
    page.wait_for_url("**/cages/*/")
    assert label in page.locator("h1").inner_text()


def test_the_sheet_of_eighty_cages_is_one_page_of_paper(new_page, person):
    page = new_page(person)
    page.goto(rack_url("rack-sheet"))
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1


def test_a_cage_is_moved_by_way_of_an_empty_bay(new_page, person):
    make_cage("Newcomer", person, room="R2", rack="B")
    make_cage("Corner", person, room="R2", rack="B", row="I", column=1)
    page = new_page(person, size="tablet")
    page.goto(rack_url("rack-detail"))
    page.get_by_role("link", name="Move a cage to I-03").click()
    page.get_by_role("link", name="Newcomer").click()
    page.get_by_role("button", name="Move").click()
    page.get_by_text("is now in R2 · rack B · I-03.").wait_for()
    assert page.get_by_role("link", name=re.compile("Newcomer ?, I-03")).count() == 1
