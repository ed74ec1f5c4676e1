"""The desk in a real browser: three people at once, one thumb, and what fits on a page."""

import re
from email import message_from_string, policy

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cages.models import Health
from cages.slots import slot_of
from people.models import Role
from tests.factories import MINUTE, make_cage, make_member, make_user, record_minutes
from tests.mail_server import mail_server
from tests.processes import wait_for
from tests.welfare.conftest import add_default_rules
from tests.welfare.factories import make_concern
from tests.welfare.judging import pass_minutes
from welfare import tasks
from welfare.models import Concern, Kind, Wish
from welfare.models.notice import COLLECTS_FOR_MINUTES
from welfare.rules.parameters import BadLong

pytestmark = pytest.mark.django_db(transaction=True)


def open_concern(cage, kind=Kind.BAD_LONG, **fields):
    now = timezone.now()
    return make_concern(cage, kind, raised=slot_of(now) - MINUTE, raised_at=now, **fields)


@pytest.fixture
def cage():
    owner = make_user("owner")
    return make_cage("PV-Cre pair", owner=owner, room="R2", rack="B", row="B", column=7)


@pytest.fixture
def _readings(cage):
    record_minutes(cage, slot_of(timezone.now()) - 30 * MINUTE, [Health.BAD] * 30)


@pytest.fixture
def people(cage):
    found = {}
    for role in (Role.TECHNICIAN, Role.VET, Role.ADMINISTRATOR):
        found[role] = make_user(role.value, email=f"{role.value}@example.org")
        make_member(found[role], cage.lab, role)
    return found


def link_in(letter):
    """The first address in the text of a letter, as a mail program shows it."""
    text = message_from_string(letter, policy=policy.default).get_content()
    return re.search(r"https?://\S+", text).group()


def test_three_people_bring_readings_by_a_letter_to_a_finding(new_page, cage, people, settings):
    add_default_rules()
    Wish.objects.create(person=people[Role.VET], kinds=[Kind.BAD_LONG], by_mail=True)
    technician, vet, administrator = (new_page(person) for person in people.values())
    for page in (technician, vet, administrator):
        page.goto("/concerns/")
        expect(page.get_by_role("heading", name="No open concerns")).to_be_visible()
    # Its last minutes are as old as a notice waits for others of the same cause.
    first = slot_of(timezone.now() - COLLECTS_FOR_MINUTES * MINUTE) - 30 * MINUTE
    with mail_server() as (letters, settings.EMAIL_URL):
        pass_minutes(first, {cage: [Health.BAD] * 30})
        # As beat does it each minute: a try that failed on a busy machine comes again.
        wait_for(lambda: tasks.send_notices() or letters.got, every=2)
    # It comes by itself to each open page, and to the vet by mail.
    for page in (technician, administrator):
        expect(page.locator(".concern")).to_contain_text("not acknowledged", timeout=15_000)
        page.get_by_role("link", name=re.compile("^PV-Cre pair")).click()
    ((to, letter),) = letters.got
    assert to == ["vet@example.org"]
    vet.goto(link_in(letter))
    known = BadLong().least_known
    expect(vet.locator(".concern-sentence")).to_contain_text(
        f"{known} of {known} known readings Bad"
    )

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


@pytest.mark.usefixtures("_readings")
def test_without_a_script_everything_works_as_well(new_page, cage, people):
    concern = open_concern(cage)
    page = new_page(people[Role.VET], java_script_enabled=False)
    page.get_by_role("link", name="Concern: not acknowledged").click()
    expect(page).to_have_url(re.compile(f"{concern.get_absolute_url()}$"))
    page.get_by_label("What was found").select_option("normal")
    page.get_by_role("button", name="Save the finding").click()
    expect(page.locator(".concern-sentence")).to_contain_text("Closed on")
