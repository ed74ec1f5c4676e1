"""What a day at the cages needs, with the keyboard alone."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cages.models import LightPeriod, LightSchedule, Mark, Study
from tests.browser.keys import press, reach, write
from tests.factories import make_cage, make_user
from welfare.models import Look, LookResult, Round

pytestmark = pytest.mark.django_db(transaction=True)
SOON_MS = 20_000


@pytest.fixture
def cages():
    ada = make_user("ada", is_superuser=True)
    made = {"room": "R1", "rack": "B", "row": "A", "created_at": timezone.now() - timedelta(days=3)}
    return [make_cage(f"Colony {n}", ada, id=n, column=n, **made) for n in (1, 2)]


@pytest.fixture
def page(new_page, cages):
    return new_page(cages[0].owner, reduced_motion="reduce")


def test_work_is_noted_and_taken_back(page, cages):
    page.goto("/cages/1/")
    press(page, page.get_by_role("button", name="Cage change"))
    expect(page.get_by_text("Cage change is noted.")).to_be_visible()
    press(page, page.get_by_role("button", name="Undo"))
    assert Mark.objects.get().withdrawn_at


def test_a_kind_of_work_is_chosen_and_noted_with_a_note(page, cages):
    page.goto("/cages/1/")
    press(page, page.get_by_role("link", name="more…"))
    # The arrow keys move within the group of kinds.
    reach(page, page.get_by_role("radio").first)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    write(page, page.get_by_label("Note", exact=True), "24 g")
    press(page, page.get_by_role("button", name="Note it"))
    mark = Mark.objects.get()
    assert (mark.cage_id, mark.kind.code, mark.note) == (1, "food", "24 g")


def test_a_schedule_is_made_and_a_room_gets_it(page, cages):
    page.goto("/light/")
    press(page, page.get_by_role("link", name="New schedule"))
    write(page, page.get_by_label("Name"), "Reversed")
    write(page, page.get_by_label("Lights on"), "0700PM")
    write(page, page.get_by_label("Lights off"), "0700AM")
    press(page, page.get_by_role("button", name="Save"))
    schedule = LightSchedule.objects.get()
    assert schedule.times == "19:00–07:00"
    page.goto("/light/")
    press(page, page.get_by_role("link", name="R1"))
    write(page, page.get_by_label("Light schedule"), "Reversed")
    press(page, page.get_by_role("button", name="Check"))
    press(page, page.get_by_role("button", name="Save"))
    assert LightPeriod.objects.get().schedule == schedule


def test_a_round_is_walked_to_its_end(page, cages):
    page.goto("/rounds/")
    press(page, page.get_by_role("button", name="Start"))
    expect(page.locator("#round-cage")).to_contain_text("Colony 1")
    reach(page, page.get_by_role("button", name="looked fine", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#round-cage")).to_contain_text("Colony 2")
    reach(page, page.locator(".round-skip summary"))
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("button", name="Not there"))
    page.keyboard.press("Enter")
    expect(page.locator(".round-result")).to_have_text("1 of 2 looked at, skipped: A-02")
    reach(page, page.get_by_role("button", name="End the round"))
    page.keyboard.press("Enter")
    expect(page.locator(".lead")).to_contain_text("1 of 2 looked at", timeout=SOON_MS)
    assert Round.objects.get().ended_at
    results = dict(Look.objects.values_list("cage", "result"))
    assert results == {1: LookResult.FINE, 2: LookResult.SKIPPED}


def test_a_study_package_is_made_from_the_list(page, cages):
    reach(page, page.locator("#tick-2"))
    page.keyboard.press("Space")
    write(page, page.get_by_label("Action"), "Export")
    press(page, page.get_by_role("button", name="Apply to selected"))
    press(page, page.get_by_role("link", name="New study package"))
    write(page, page.get_by_label("Title"), "Sleep")
    press(page, page.get_by_role("button", name="Save"))
    expect(page).to_have_url(re.compile(r"/studies/\d+/$"))
    assert [cage.pk for cage in Study.objects.get().cages.all()] == [2]
