"""Printed pages."""

import itertools
import re

import pytest

from tests.factories import make_cage, make_user

pytestmark = pytest.mark.django_db(transaction=True)
MILLIMETRE = 72 / 25.4
PAPERS = {"a4": (210, 297), "letter": (215.9, 279.4)}
# Returns the texts that are larger than their card.
CUT_OFF = """() => [...document.querySelectorAll(".cage-card")].filter((card) => {
  const outer = card.getBoundingClientRect();
  return [...card.children].some((part) => {
    const box = part.getBoundingClientRect();
    return box.top < outer.top || box.bottom > outer.bottom || box.right > outer.right;
  });
}).length"""


def test_a_sheet_is_a_page_of_that_paper(new_page):
    ruth = make_user("ruth")
    for number in range(30):
        make_cage(f"C57BL/6J x PV-Cre breeding pair {number} {'w' * 60}", ruth, strain="s" * 100)
    page = new_page(ruth)
    page.emulate_media(media="print")
    for paper, (per_sheet, sheets) in itertools.product(PAPERS, [(10, 3), (24, 2)]):
        page.goto(f"/cages/cards/?which=all&paper={paper}&per_sheet={per_sheet}")
        assert page.evaluate(CUT_OFF) == 0
        pdf = page.pdf(prefer_css_page_size=True)
        boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
        size = [side * MILLIMETRE for side in PAPERS[paper]]
        assert [list(map(float, box)) for box in boxes] == [pytest.approx(size, abs=1.5)] * sheets


@pytest.mark.parametrize("theme", ["dark", "night"])
def test_paper_is_light_in_every_theme(new_page, theme):
    cage = make_cage(owner=make_user("ruth"))
    page = new_page(cage.owner)
    page.context.add_cookies([{"name": "theme", "value": theme, "url": page.url}])
    page.goto(f"/cages/{cage.pk}/")
    colours = "[getComputedStyle(document.body).color, getComputedStyle(document.body).background]"
    on_screen = page.evaluate(colours)
    page.emulate_media(media="print")
    ink, paper = page.evaluate(colours)
    assert ink == "rgb(27, 37, 35)"
    assert paper.startswith("rgb(255, 255, 255)")
    assert [ink, paper] != on_screen
    assert not page.locator("header.bar").is_visible()
