"""Every page in every theme is checked by axe-core; zoom, targets, motion and size by tests."""

import gzip
import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from cages.models import Cage, Condition, Health, MarkKind, Outcome, Rack, Room
from cages.slots import slot_of
from people.models import ApiToken
from tests.browser import people_data, rounds_data, study_data, welfare_data
from tests.browser.looks import WIDTHS, problems_on, wider_than_the_window
from tests.factories import (
    MINUTE,
    give_light,
    make_cage,
    make_cycle,
    make_mark,
    make_schedule,
    make_user,
    record_minutes,
    write_polls,
)
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.models import Finding, Kind, Reason

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESSES = [
    *people_data.CONFIRMED,
    "/cages/",
    "/cages/?q=nothing+like+it",
    "/cages/bulk/?act=move&which=all",
    "/cages/bulk/?act=join&which=all",
    "/cages/1/",
    "/cages/2/",
    "/cages/1/history/",
    "/cages/1/history/?span=night",
    "/cages/1/history/?span=30d&double=1",
    "/cages/1/history/?span=7d&axis=zt&double=1",
    "/cages/1/history/?span=7d&axis=tau&tau=99",
    "/cages/1/?at=2026-03-02T03:14",
    "/cages/compare/?cage=1&cage=2",
    "/cages/1/rhythm/?span=7d",
    "/rhythm/?span=7d&cage=1&cage=2",
    "/cages/export/?which=all&from=nonsense",
    "/cages/1/edit/",
    "/cages/1/archive/",
    "/cages/9/",
    "/cages/9/restore/",
    "/cages/9/purge/",
    "/cages/new/",
    "/cages/import/",
    "/cages/cards/?which=all",
    "/cages/archived/",
    "/cages/1/changes/",
    "/changes/",
    "/racks/",
    "/racks/900/",
    "/racks/900/sheet/",
    "/racks/900/size/",
    "/racks/900/fill/?row=A&column=1",
    "/rooms/900/edit/",
    "/cages/1/move/",
    "/wall/links/",
    "/light/",
    "/light/new/",
    "/light/rooms/900/",
    "/light/cages/1/",
    "/light/periods/900/remove/",
    "/light/schedules/900/remove/",
    "/wall/",
    "/wall/?room=900",
    "/racks/?room=900",
    "/marks/",
    "/marks/900/",
    "/marks/901/",
    "/marks/900/edit/",
    "/marks/900/withdraw/",
    "/marks/new/?cage=1",
    "/marks/new/?rack=900",
    "/marks/kinds/",
    "/marks/kinds/900/",
    "/cages/1/history/?span=today&handling=out",
    "/concerns/",
    "/concerns/?whose=mine",
    "/concerns/900/",
    "/concerns/901/",
    "/concerns/902/",
    "/concerns/closed/",
    "/concerns/quality/",
    "/concerns/new/?cage=1",
    *welfare_data.ADDRESSES,
    *people_data.ADDRESSES,
    *rounds_data.ADDRESSES,
    *study_data.ADDRESSES,
    "/tokens/",
    "/api/",
    "/ops/",
    "/styleguide/",
]
DESKTOP = {"width": 1280, "height": 900}
ANONYMOUS_ADDRESSES = [
    "/accounts/login/",
    "/accounts/register/",
    "/accounts/password/reset/",
    "/accounts/password/reset/sent/",
    "/accounts/password/reset/x-used/",
    "/accounts/mail/sent/",
    "/accounts/mail/used/",
]


@pytest.fixture
def facility(settings):
    """One cage in each condition, and the administrator who sees them all."""
    settings.EMAIL_URL = "smtp://localhost"
    ada = make_user("ada", is_superuser=True)
    now = slot_of(timezone.now())
    # Ids that the addresses above name, and that the database does not give out here.
    Rack.objects.create(id=900, name="B", room=Room.objects.create(id=900, name="R2"))
    for number, health in enumerate([Health.BAD, Health.OK, Health.PERFECT], 1):
        cage = make_cage(
            f"Colony {number}", ada, id=number, room="R2", rack="B", row="B", column=number
        )
        polls = [health] * 4 + [None, Outcome.UNAVAILABLE] + [health] * 3
        record_minutes(cage, now - 9 * MINUTE, polls)
    unseen = make_cage("Silent", ada, id=4, room="R2", rack="B", row="C", column=1)
    # The longest words for an age.
    record_minutes(unseen, now - timedelta(hours=2, minutes=31), [Health.OK])
    make_cage("New", ada, id=5, created_at=timezone.now())
    make_cage("Paused", ada, id=6, is_polled=False)
    make_cage("Archived", ada, id=9, archived_at=timezone.now())
    make_cycle(now - MINUTE, planned=3)
    make_schedule("Typo", pk=900)
    give_light(Room.objects.get(), make_schedule(), now - timedelta(days=2), pk=900)
    make_mark(Room.objects.get(), now - 5 * MINUTE, now - 3 * MINUTE)
    MarkKind.objects.create(id=900, name="Ear punch")
    make_mark(Cage.objects.get(pk=1), now - 4 * MINUTE, pk=900, person=ada, note="new bedding")
    make_mark(unseen.room, now - 9 * MINUTE, now, pk=901, kind="room_works", withdrawn_at=now)
    make_mark(unseen.rack, now - 9 * MINUTE, kind="cage_change")
    study_data.add_study_of_groups(Cage.objects.order_by("pk")[:6], ada, now)
    # One that nobody has acknowledged, one with a recheck that lapsed, and one that is closed.
    raised = {"raised": now - 9 * MINUTE, "raised_at": now}
    make_concern(Cage.objects.get(pk=1), pk=900, **raised)
    desk.find(
        make_concern(unseen, pk=901, held_since=now, **raised).pk,
        ada,
        Finding.SICK,
        "limps",
        timezone.now(),
        recheck_at=now,
    )
    desk.acknowledge(901, ada, Reason.LOOKED, "", timezone.now())
    silent = make_concern(
        None, Kind.PLACE_SILENT, pk=902, rack_id=900, subject="rack:900", **raised
    )
    desk.close(silent.pk, ada, timezone.now())
    welfare_data.add_welfare(ada, make_user("Dr. Bea", is_superuser=True), now)
    people_data.add_people(ada, now)
    rounds_data.add_rounds(ada, now)
    study_data.add_studies(ada, now)
    ApiToken.objects.issue(ada, "notebook", timezone.now())
    conditions = {cage.condition(timezone.now()) for cage in Cage.objects.select_related("state")}
    assert conditions == set(Condition)
    return ada


# The focused controls without an outline that can be seen: too thin, too faint, or cut off.
FAINT = """() => {
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const ground = (node) => {
    const colour = node ? parts(getComputedStyle(node).backgroundColor) : [255, 255, 255];
    return colour.length === 4 && colour[3] === 0 ? ground(node.parentElement) : colour;
  };
  const faint = [];
  for (const menu of document.querySelectorAll("details")) menu.open = true;
  const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary, "
    + "[tabindex='0']";
  for (const node of document.querySelectorAll(controls)) {
    if (node.disabled || !node.checkVisibility({ checkVisibilityCSS: true })) continue;
    node.focus();
    const shown = node.matches(".fold") ? node.nextElementSibling : node;
    const style = getComputedStyle(shown);
    const reach = parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth);
    const box = shown.getBoundingClientRect();
    const clips = [];
    for (let one = shown.parentElement; one; one = one.parentElement) {
      if (one !== document.body && getComputedStyle(one).overflowX !== "visible") clips.push(one);
    }
    const isCut = clips.map((one) => one.getBoundingClientRect()).some(
      (outer) => box.top - reach < outer.top - 1 || box.bottom + reach > outer.bottom + 1);
    const [one, other] = [light(parts(style.outlineColor)), light(ground(shown.parentElement))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const isThick = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    if (document.activeElement !== node || !isThick || contrast < 3 || isCut) {
      faint.push(`${node.outerHTML.slice(0, 90)} ${style.outlineStyle} ${contrast} ${isCut}`);
    }
  }
  return faint;
}"""


def test_no_page_has_a_problem_in_any_theme_hides_the_focus_or_scrolls_sideways(
    new_page, facility, live_server
):
    """In German, because its words are the longest ones."""
    page = new_page(facility, reduced_motion="reduce")
    people_data.confirm(page)
    problems, faint, wide = {}, {}, []
    # With the address of a page, the cookie would be sent to the pages below that one only.
    german = {"name": "django_language", "value": "de", "url": live_server.url}
    page.context.add_cookies([german])
    for address in ADDRESSES:
        page.goto(address)
        assert page.locator("html").get_attribute("lang") == "de"
        if found := problems_on(page):
            problems[address] = found
        # From here on, the browser takes a focus for one by keyboard.
        page.keyboard.press("Tab")
        wide += wider_than_the_window(page, address)
        for width in (WIDTHS[-1], WIDTHS[0]):
            page.set_viewport_size({"width": width, "height": 450})
            if found := page.evaluate(FAINT):
                faint[address, width] = found
        page.set_viewport_size(DESKTOP)
    assert problems == {}
    assert faint == {}
    assert wide == []


def test_axe_finds_nothing_before_anybody_signs_in(new_page, facility, settings):
    settings.REGISTRATION_OPEN = True
    page = new_page(reduced_motion="reduce")
    for address in ANONYMOUS_ADDRESSES:
        page.goto(address)
        assert wider_than_the_window(page, address) == []
        assert problems_on(page) == {}


def test_axe_finds_nothing_at_the_set_up(new_page):
    page = new_page(reduced_motion="reduce")
    page.goto("/setup/")
    assert wider_than_the_window(page, "/setup/") == []
    assert problems_on(page) == {}


IMPORTED = b"""id,label,room,animal_count
1,Colony 1,R3,4
2,Colony 2,R2,
20,"Long-Evans, newly arrived",R2,3
21,,R2,x
"""


def test_axe_finds_nothing_on_a_phone_in_the_dry_run_of_an_import_and_at_a_new_token(
    new_page, facility
):
    page = new_page(facility, size="phone", reduced_motion="reduce")
    page.goto("/cages/import/")
    page.set_input_files("#id_file", {"name": "c.csv", "mimeType": "text/csv", "buffer": IMPORTED})
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="Preview of the import").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("tbody tr").count() == 3
    assert problems_on(page) == {}
    page.goto("/tokens/")
    page.get_by_label("Name").fill("on a phone")
    page.get_by_role("button", name="Create token").click()
    page.locator(".secret").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems_on(page) == {}


# WCAG allows links within a line of text to be as high as the line.
SMALL = """() => [...document.querySelectorAll(
  "button, summary, select, nav a, .btn, .cages tbody tr, input:not([type=hidden], [type=checkbox])"
)].filter((node) => node.checkVisibility()).map((node) => {
  const box = node.getBoundingClientRect();
  return [node.outerHTML.slice(0, 80), Math.round(box.width), Math.round(box.height)];
}).filter(([, width, height]) => width && height < 44)"""


def test_a_thumb_in_a_glove_hits_every_target(new_page, facility):
    page = new_page(facility, size="phone", reduced_motion="reduce")
    people_data.confirm(page)
    small = {}
    for address in ADDRESSES:
        page.goto(address)
        small[address] = page.evaluate(SMALL)
    assert [(address, *node) for address, nodes in small.items() for node in nodes] == []


def test_nothing_moves_for_those_who_wish_so(new_page, facility):
    page = new_page(facility, reduced_motion="reduce")
    moving = """() => [...document.querySelectorAll("*")].filter((node) => {
      const style = getComputedStyle(node);
      return parseFloat(style.transitionDuration) > 0 || style.animationName !== "none";
    }).map((node) => node.outerHTML.slice(0, 80))"""
    page.goto("/cages/new/")
    assert page.evaluate(moving) == []


def test_list_and_cage_are_light(new_page, facility, live_server):
    """Pages stay below 100 KB of HTML and 200 KB of other files, as sent, with a full list."""
    now = slot_of(timezone.now())
    for number in range(100):
        place = {"room": "R2", "rack": "C", "row": "B", "column": number + 1}
        cage = make_cage(f"C57BL/6J breeding pair {number}", facility, id=100 + number, **place)
        ended = itertools.cycle([Health.OK, Health.PERFECT, Health.OK, Outcome.UNAVAILABLE])
        write_polls(cage, [(now - n * MINUTE, next(ended), 1500) for n in range(1, 61)])
    context = new_page(facility).context
    for address in ("/cages/", "/cages/1/"):
        page, got = context.new_page(), []
        # Each page brings its files anew, as for a person who has never been here.
        context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        page.on("requestfinished", lambda asked, got=got: got.append(asked))
        page.goto(address, wait_until="networkidle")
        bodies = {asked.url: asked.response().body() for asked in got}
        html = bodies.pop(f"{live_server.url}{address}")
        rest = [gzip.compress(body) for body in bodies.values()]
        page.close()
        assert len(html) < 100_000, address
        assert sum(map(len, rest)) < 200_000
        assert len(rest) > 4
