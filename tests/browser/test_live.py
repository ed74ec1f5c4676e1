"""Open pages update themselves and leave everything else alone."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cages.models import Health, Places, Room
from cages.slots import slot_of
from tests.factories import MINUTE, make_cage, make_cycle, make_user, record_minute

pytestmark = pytest.mark.django_db(transaction=True)
SOON_MS = 10_000


@pytest.fixture
def cage():
    make_cycle(slot_of(timezone.now()) - MINUTE, planned=1)
    cage = make_cage("PV-Cre pair", owner=make_user("ruth"))
    record_minute(cage, slot_of(timezone.now()) - MINUTE, Health.OK)
    return cage


def turns_bad(cage):
    record_minute(cage, slot_of(timezone.now()), Health.BAD)
    make_cycle(slot_of(timezone.now()), planned=1)


def test_a_change_arrives_on_the_open_list_and_in_its_title(new_page, cage):
    page = new_page(cage.owner)
    expect(page.locator(".cages .condition")).to_contain_text("Ok")
    turns_bad(cage)
    expect(page.locator(".cages .condition")).to_contain_text("Bad", timeout=SOON_MS)
    expect(page).to_have_title(re.compile(r"^\(1\) Cages"))


def test_a_change_arrives_on_the_open_cage_and_closes_nothing(new_page, cage):
    page = new_page(cage.owner)
    page.goto(f"/cages/{cage.pk}/")
    expect(page.locator(".sentence")).to_contain_text("Ok")
    page.locator("#hours summary").click()
    page.get_by_label(f"Menu of cage {cage.pk}").click()
    turns_bad(cage)
    expect(page.locator(".sentence")).to_contain_text("Bad", timeout=SOON_MS)
    expect(page.get_by_role("link", name="Move…")).to_be_visible()
    expect(page.locator("#hours table")).to_be_visible()


def test_focus_scroll_and_what_was_typed_survive_a_change(new_page, cage):
    for _ in range(30):
        make_cage(owner=cage.owner)
    page = new_page(cage.owner)
    page.get_by_role("searchbox").fill("half a wo")
    page.evaluate("window.scrollTo(0, 200)")
    before = page.evaluate("scrollY")
    turns_bad(cage)
    state = page.locator(".cages tr", has_text="PV-Cre pair").locator(".condition")
    expect(state).to_contain_text("Bad", timeout=SOON_MS)
    expect(page.get_by_role("searchbox")).to_have_value("half a wo")
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert page.evaluate("scrollY") == before


def test_the_buttons_say_how_many_cages_are_selected_also_after_a_change(new_page, cage):
    make_cage(owner=cage.owner)
    page = new_page(cage.owner)
    page.locator(".cell-tick label").first.click()
    page.get_by_label("Action").select_option("archive")
    selected = page.get_by_role("button", name="Selected (1): Archive…")
    expect(selected).to_be_visible()
    expect(page.get_by_role("button", name="All 2: Archive…")).to_be_visible()
    turns_bad(cage)
    expect(page.get_by_text("Bad").first).to_be_visible(timeout=SOON_MS)
    expect(selected).to_be_visible()


def test_a_form_is_not_touched_while_its_cycle_line_goes_on(new_page, cage):
    page = new_page(cage.owner)
    page.goto(f"/cages/{cage.pk}/edit/")
    page.get_by_label("Notes").fill("on wet food")
    line = page.locator("footer .last").inner_text()
    turns_bad(cage)
    expect(page.locator("footer .last")).not_to_have_text(line, timeout=SOON_MS)
    expect(page.get_by_label("Notes")).to_have_value("on wet food")


def test_a_lost_connection_is_said_and_taken_back(new_page, cage):
    page = new_page(cage.owner)
    page.clock.install()
    page.reload()
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_be_hidden()
    for _ in range(6):
        page.clock.run_for(5000)
    expect(page.get_by_text("No connection to Neurocage.")).to_be_visible()
    opacity = page.locator(".cages .condition").evaluate("node => getComputedStyle(node).opacity")
    assert float(opacity) < 1
    page.context.set_offline(False)
    page.clock.run_for(6000)
    expect(page.locator("#connection")).to_be_hidden(timeout=SOON_MS)


def test_a_wall_without_a_connection_turns_amber(new_page, cage):
    cage.stand_in(*Places([("R2", "")]).find("R2"))
    cage.save()
    # Without this minute the page would be amber for another reason.
    make_cycle(slot_of(timezone.now()), planned=1)
    page = new_page(cage.owner)
    page.clock.install()
    page.goto(f"/wall/?room={Room.objects.get(name='R2').pk}")
    shadow = "getComputedStyle(document.body).boxShadow"
    assert page.evaluate(shadow) == "none"
    page.context.set_offline(True)
    for _ in range(6):
        page.clock.run_for(5000)
    expect(page.get_by_text("No connection to Neurocage.")).to_be_visible()
    assert page.evaluate(shadow) != "none"


def test_who_was_signed_out_elsewhere_is_told(new_page, cage):
    page = new_page(cage.owner)
    page.context.clear_cookies()
    expect(page.get_by_text("You are signed out.")).to_be_visible(timeout=SOON_MS)
    # The content of the page is still there.
    expect(page.get_by_role("link", name="PV-Cre pair")).to_be_visible()


def test_a_hidden_tab_asks_once_a_minute(new_page, cage):
    page = new_page(cage.owner)
    page.clock.install()
    page.reload()
    asked = []
    page.on("request", lambda request: "/static/" in request.url or asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.clock.run_for(55_000)
    assert asked == []
    page.clock.run_for(10_000)
    expect(page.locator(".cages .condition")).to_be_visible()
    assert len(asked) == 1


def test_an_age_grows_while_nothing_new_arrives(new_page, cage):
    page = new_page(cage.owner)
    page.clock.install()
    page.reload()
    before = page.locator(".age time").inner_text()
    assert re.search(r"\d+ (s|min)", before)
    page.context.set_offline(True)
    page.clock.run_for(61_000)
    expect(page.locator(".age time")).not_to_have_text(before)


def set_clock(page, hours):
    """Set the wall clock of the browser's machine; its other clock goes on."""
    page.evaluate(
        "hours => { const real = Date.now; Date.now = () => real.call(Date) + hours * 3600e3; }",
        hours,
    )


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_page_goes_on_when_the_clock_of_its_machine_is_set(new_page, cage, hours):
    page = new_page(cage.owner)
    set_clock(page, hours)
    turns_bad(cage)
    expect(page.locator(".cages .condition")).to_contain_text("Bad", timeout=SOON_MS)
    # A minute old at most; the server may have begun another one meanwhile.
    expect(page.locator(".age time")).to_have_text(re.compile(r"^(\d+ s|[12] min) ago$"))
    expect(page.locator("#connection")).to_be_hidden()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_lost_connection_is_said_though_the_clock_was_set(new_page, cage, hours):
    page = new_page(cage.owner)
    page.clock.install()
    page.reload()
    set_clock(page, hours)
    page.context.set_offline(True)
    for _ in range(6):
        page.clock.run_for(5000)
    expect(page.get_by_text("No connection to Neurocage.")).to_be_visible()


def test_back_shows_the_present_state_and_no_stored_copy(new_page, cage):
    page = new_page(cage.owner)
    page.goto(f"/cages/{cage.pk}/")
    turns_bad(cage)
    page.go_back()
    expect(page.locator(".cages .condition")).to_contain_text("Bad", timeout=SOON_MS)
    answer = page.request.get("/cages/")
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_page_that_the_browser_kept_asks_at_once(new_page, cage):
    page = new_page(cage.owner)
    page.clock.install()
    page.reload()
    asked = []
    page.on("request", lambda request: "/static/" in request.url or asked.append(request.url))
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    page.clock.run_for(100)
    expect(page.locator(".cages .condition")).to_be_visible()
    assert len(asked) == 1
