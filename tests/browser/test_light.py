"""Light and marks on open pages: what the pointer reads on a strip, and on a double row."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cages.history.window import Window
from cages.models import Health
from tests.factories import (
    MINUTE,
    give_light,
    make_cage,
    make_mark,
    make_schedule,
    make_user,
    write_polls,
)


@pytest.fixture
def opened(transactional_db, new_page):
    """A function that opens a page of cage 1, which was Perfect for three days and more."""
    ada = make_user("ada", is_superuser=True)
    now = timezone.now()
    midnight = Window.today(now).start
    cage = make_cage("Colony", ada, id=1, room="R2", created_at=midnight - timedelta(days=9))
    give_light(cage.room, make_schedule(), midnight - timedelta(days=20))
    first = midnight - timedelta(days=3)
    minutes = int((now - first) / MINUTE)
    write_polls(cage, [(first + n * MINUTE, Health.PERFECT, 1500) for n in range(minutes)])
    make_mark(cage, first + timedelta(hours=9), note="wet bedding")

    def open_page(address):
        page = new_page(ada)
        page.goto(address)
        return page

    return open_page


def read_at(page, strip, share):
    """What the pointer reads at this share of the strip's width."""
    # The reading goes away while the page scrolls, so the pointer moves when that is over.
    strip.evaluate(
        """async strip => {
          strip.scrollIntoView({ block: "center", behavior: "instant" });
          for (let n = 0; n < 2; n += 1) await new Promise(requestAnimationFrame);
        }"""
    )
    box = strip.bounding_box()
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    return page.locator(".read-minute").inner_text()


def test_the_pointer_reads_zt_on_a_stacked_day(opened):
    page = opened("/cages/1/history/?span=7d")
    # Yesterday, at noon and just before midnight.
    strip = page.locator(".row-of-day .strip").nth(5)
    assert read_at(page, strip, 0.5005).endswith("12:00 Perfect · ZT 5:00, light phase")
    assert "ZT 16:5" in read_at(page, strip, 0.999)


def test_the_pointer_reads_both_halves_of_a_double_row_of_zt(opened):
    page = opened("/cages/1/history/?span=7d&axis=zt&double=1")
    rows = page.locator(".row-of-day .strip")
    today = timezone.localtime()
    number = rows.count() - (3 if today.hour >= 7 else 2)
    strip = rows.nth(number)
    assert read_at(page, strip, 0.2502).endswith("19:00 Perfect · ZT 12:00, dark phase")
    # An hour and more into the next row.
    assert "ZT 1:" in read_at(page, strip, 0.5 + 0.0225)


def test_a_chart_tells_phase_and_marks(opened):
    page = opened("/cages/1/history/?span=7d")
    page.wait_for_selector("#shares.is-drawn canvas")
    page.locator("#shares .plot").focus()
    page.keyboard.press("Home")
    # Four days before the first minutes.
    for _hour in range(3 * 24 + 9):
        page.keyboard.press("ArrowRight")
    told = page.locator("#shares .told").inner_text()
    assert "light phase · 1. Handling" in told
    assert "wet bedding" in told
