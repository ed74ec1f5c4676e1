"""The desk in a real browser: three people at once, one thumb, and what fits on a page."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cages.models import Health
from cages.slots import slot_of
from people.models import Role
from tests.factories import MINUTE, make_cage, make_member, make_user, record_minutes
from tests.welfare.factories import make_concern
from welfare.models import Concern, Kind

pytestmark = pytest.mark.django_db(transaction=True)


def open_concern(cage, kind=Kind.BAD_LONG, **fields):
    now = timezone.now()
    return make_concern(cage, kind, raised=slot_of(now) - MINUTE, raised_at=now, **fields)


@pytest.fixture
def cage():
    owner = make_user("owner")
    cage = make_cage("PV-Cre pair", owner=owner, room="R2", rack="B", row="B", column=7)
    now = slot_of(timezone.now())
    record_minutes(cage, now - 30 * MINUTE, [Health.BAD] * 30)
    return cage


@pytest.fixture
def people(cage):
    found = {}
    for role in (Role.TECHNICIAN, Role.VET, Role.ADMINISTRATOR):
        found[role] = make_user(role.value)
        make_member(found[role], cage.lab, role)
    return found


def test_three_people_bring_a_concern_from_raised_to_closed(new_page, cage, people):
    technician, vet, administrator = (new_page(person) for person in people.values())
    for page in (technician, vet, administrator):
        page.goto("/concerns/")
        expect(page.get_by_role("heading", name="No open concerns")).to_be_visible()
    open_concern(cage)
    # It comes by itself to each open page.
    for page in (technician, vet, administrator):
        expect(page.locator(".concern")).to_contain_text("not acknowledged", timeout=15_000)
        page.get_by_role("link", name=re.compile("^PV-Cre pair")).click()

    technician.get_by_label("Reason").select_option("on_my_way")
    technician.get_by_role("button", name="Acknowledge").click()
    expect(technician.locator(".concern-sentence")).to_contain_text("acknowledged by technician")
    # The technician gives no finding.
    expect(technician.get_by_role("button", name="Save the finding")).to_have_count(0)

    # The others see it while they are typing, and lose no word.
    found = {vet: ("sick", "limps on the left"), administrator: ("normal", "asleep")}
    for page, (finding, text) in found.items():
        page.get_by_label("What was found").select_option(finding)
        page.locator("#finding textarea").fill(text)
        sentence = page.locator(".concern-sentence")
        expect(sentence).to_contain_text("acknowledged by technician", timeout=15_000)
        expect(page.locator("#finding textarea")).to_have_value(text)

    vet.get_by_role("button", name="Save the finding").click()
    for page in (vet, technician, administrator):
        sentence = page.locator(".concern-sentence")
        expect(sentence).to_contain_text("by vet · closed with a finding: Sick", timeout=15_000)

    # The administrator comes too late, is told so, and still has the words.
    administrator.get_by_role("button", name="Save the finding").click()
    expect(administrator.locator("#finding")).to_contain_text("the concern was closed meanwhile")
    expect(administrator.locator("#finding textarea")).to_have_value("asleep")
    assert Concern.objects.get().finding == "sick"


def test_without_a_script_everything_works_as_well(new_page, cage, people):
    concern = open_concern(cage)
    page = new_page(people[Role.VET], java_script_enabled=False)
    page.get_by_role("link", name="Concern: not acknowledged").click()
    expect(page).to_have_url(re.compile(f"{concern.get_absolute_url()}$"))
    page.get_by_label("What was found").select_option("normal")
    page.get_by_role("button", name="Save the finding").click()
    expect(page.locator(".concern-sentence")).to_contain_text("Closed on")


@pytest.mark.parametrize("size", ["phone", "tablet", "desktop"])
@pytest.mark.parametrize("address", ["desk", "concern", "closed", "quality", "new", "/cages/"])
def test_no_page_is_wider_than_the_screen(new_page, cage, people, size, address):
    concern = open_concern(cage)
    open_concern(cage, Kind.SENSOR_WEAK)
    page = new_page(people[Role.VET], size=size)
    where = {
        "desk": "/concerns/",
        "concern": concern.get_absolute_url(),
        "new": f"/concerns/new/?cage={cage.pk}",
    }
    page.goto(where.get(address, address if "/" in address else f"/concerns/{address}/"))
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]


def test_what_one_taps_on_a_phone_is_large_enough(new_page, cage, people):
    concern = open_concern(cage)
    page = new_page(people[Role.VET], size="phone")
    for address in ("/concerns/", concern.get_absolute_url()):
        page.goto(address)
        for button in page.locator("main :is(button, select, .concern)").all():
            assert button.bounding_box()["height"] >= 40, button.inner_text()
