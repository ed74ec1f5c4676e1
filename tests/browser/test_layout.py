"""What a page shows at once: how many cages, which minute of a strip, and what time it is."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cages.models import Health, Outcome
from cages.slots import slot_of
from tests.factories import MINUTE, make_cage, make_cycle, make_user, record_minute, record_minutes

pytestmark = pytest.mark.django_db(transaction=True)
CAGES_AT_ONCE = 16
# Rows that lie between the top of the window and the footer.
WHOLE_ROWS = """() => {
  const floor = document.querySelector("footer").getBoundingClientRect().top;
  const rows = [...document.querySelectorAll(".cages tbody tr")];
  return rows.filter((row) => row.getBoundingClientRect().bottom <= floor).length;
}"""


@pytest.fixture
def colony():
    """20 cages of the usual kind, a third of them Bad, and the facility's staff."""
    staff = make_user("stefan", is_staff=True)
    now = slot_of(timezone.now())
    # Older ones would make the footer a warning of two lines.
    make_cycle(now, planned=20)
    for number in range(1, 21):
        place = {"room": "R2", "rack": "B", "row": "B", "column": number}
        cage = make_cage(f"C57BL/6J colony {number}", staff, **place)
        for ago in (70, 2, 1):
            health = Health.OK if number % 3 else Health.BAD
            record_minute(cage, now - ago * MINUTE, health)
    return staff


@pytest.mark.parametrize("width", [1280, 1440])
def test_a_desktop_shows_sixteen_cages_at_once(new_page, colony, width):
    page = new_page(colony)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(WHOLE_ROWS) >= CAGES_AT_ONCE


def test_the_first_cage_is_in_the_first_third_of_a_phone(new_page, colony):
    page = new_page(colony, size="phone")
    height = page.viewport_size["height"]
    assert page.locator(".cages tbody tr").first.bounding_box()["y"] <= height / 3
    expect(page.get_by_label("Room")).to_be_hidden()
    page.get_by_text("Filters").click()
    page.get_by_label("Room").select_option("R2")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Filters (1)")).to_be_visible()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_minute_under_the_mouse_or_the_finger_is_told(new_page, size):
    cage = make_cage(owner=make_user("ruth"), created_at=timezone.now() - timedelta(days=3))
    first = slot_of(timezone.now()) - 30 * MINUTE
    record_minutes(cage, first, [Health.BAD, Outcome.TIMEOUT, None, Health.OK])
    page = new_page(cage.owner, size=size)
    page.goto(f"/cages/{cage.pk}/")
    strip = page.locator(".strip[data-begin]").nth(1)
    strip.scroll_into_view_if_needed()
    box, begin = strip.bounding_box(), int(strip.get_attribute("data-begin"))
    for number, said in enumerate(["Bad", "no answer", "not watched", "Ok"]):
        slot = first + number * MINUTE
        place = (slot.timestamp() - begin) / 60 + 0.5
        x, y = box["x"] + place * box["width"] / 60, box["y"] + 5
        if size == "phone":
            page.touchscreen.tap(x, y)
        else:
            page.mouse.move(x, y)
        told = f"{timezone.localtime(slot):%Y-%m-%d %H:%M} {said}"
        expect(page.locator(".read-minute")).to_have_text(told)


def test_the_clock_of_the_header_runs(new_page, colony):
    page = new_page(colony)
    page.clock.install()
    page.reload()
    before = page.locator("#clock").inner_text()
    page.context.set_offline(True)
    page.clock.run_for(61_000)
    expect(page.locator("#clock")).not_to_have_text(before)
