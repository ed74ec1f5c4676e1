"""The charts by keyboard, by mouse and in each theme."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cages.models import Health, Outcome
from cages.slots import slot_of
from tests.factories import make_cage, make_user, record_minutes


@pytest.fixture
def page(transactional_db, new_page):
    """The last 7 days of cage 1. One hour of yesterday contains every kind of minute."""
    ada = make_user("ada", is_superuser=True)
    cage = make_cage("Colony", ada, id=1)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
    polls = [Health.PERFECT] * 20 + [Health.OK] * 10 + [Health.BAD] * 15 + [Outcome.TIMEOUT] * 9
    record_minutes(cage, slot_of(hour), polls)
    opened = new_page(ada)
    opened.goto("/cages/1/history/")
    opened.wait_for_selector("#shares.is-drawn canvas")
    opened.hour = hour
    return opened


def told(page):
    return page.locator("#shares .told").inner_text()


def scale(page):
    return page.evaluate(
        "(({min, max}) => [min, max])(document.querySelector('#shares .plot').plot.scales.x)"
    )


def test_the_keys_go_from_bar_to_bar_and_tell_each(page):
    page.locator("#shares .plot").focus()
    page.keyboard.press("Home")
    first = timezone.localtime() - timedelta(days=6)
    assert told(page) == f"{first:%Y-%m-%d} 00:00: not watched 60/60 min"
    page.keyboard.press("End")
    bars = page.evaluate("document.querySelector('#shares .plot').plot.data[0].length")
    back = round((slot_of(timezone.now()).replace(minute=0) - page.hour) / timedelta(hours=1))
    last_is_full = timezone.now().minute == 0
    for _ in range(back - last_is_full):
        page.keyboard.press("ArrowLeft")
    local = timezone.localtime(page.hour)
    assert told(page) == (
        f"{local:%Y-%m-%d %H:%M}: Perfect 20/60 min, Ok 10/60 min, Bad 15/60 min, "
        "no answer 9/60 min, not watched 6/60 min"
    )
    assert 144 <= bars <= 168


def test_zooming_and_the_whole_window_again(page):
    whole = scale(page)
    button = page.locator("#shares button")
    assert button.is_hidden()
    page.locator("#shares .plot").focus()
    page.keyboard.press("End")
    page.keyboard.press("+")
    zoomed = scale(page)
    assert zoomed[1] - zoomed[0] < 0.8 * (whole[1] - whole[0])
    button.click()
    assert scale(page) == whole
    assert button.is_hidden()
    box = page.locator("#shares .u-over").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 50)
    page.mouse.up()
    assert scale(page)[1] - scale(page)[0] < 0.5 * (whole[1] - whole[0])
    page.locator("#shares .plot").focus()
    page.keyboard.press("Escape")
    assert scale(page) == whole


def test_a_gap_in_the_response_times_is_not_joined(page):
    gaps = page.evaluate(
        """() => { const plot = document.querySelector('#latency .plot').plot
        const known = plot.data[1].filter((value) => value !== null)
        return [known.length, plot.series.map((one) => one.spanGaps)] }"""
    )
    assert gaps[0] == 1
    assert not any(gaps[1])


def test_a_bar_of_a_day_opens_that_day(page):
    page.goto("/cages/1/history/?span=30d")
    page.wait_for_selector("#shares.is-drawn")
    page.locator("#shares .plot").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    yesterday = timezone.localtime() - timedelta(days=1)
    assert f"from={yesterday:%Y-%m-%d}" in page.url


# The colour in the middle of the Bad part of that hour, and the colour it should have.
COLOURS = """([hour]) => {
  const plot = document.querySelector('#shares .plot').plot
  const x = plot.valToPos(hour + 1200, 'x', true), y = plot.valToPos(60, 'y', true)
  const seen = plot.ctx.getImageData(x, y, 1, 1).data
  const probe = document.createElement('canvas').getContext('2d')
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--nc-bad')
  probe.fillRect(0, 0, 1, 1)
  return [[...seen], [...probe.getImageData(0, 0, 1, 1).data]] }"""


def test_the_colours_are_the_themes_and_on_paper_the_light_ones(page):
    for theme in ("light", "dark", "night"):
        page.emulate_media(media="screen")
        page.context.add_cookies([{"name": "theme", "value": theme, "url": page.url}])
        page.reload()
        page.wait_for_selector("#shares.is-drawn canvas")
        seen, wanted = page.evaluate(COLOURS, [page.hour.timestamp()])
        assert seen == wanted
        page.emulate_media(media="print")
        same = f"(hour) => new Set(({COLOURS})(hour).map(String)).size === 1"
        page.wait_for_function(same, arg=[page.hour.timestamp()])
        on_paper, light = page.evaluate(COLOURS, [page.hour.timestamp()])
        assert on_paper == light == [0xB3, 0x26, 0x1E, 255]
        assert (on_paper == seen) == (theme == "light")
