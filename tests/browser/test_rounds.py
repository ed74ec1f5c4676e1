"""Rounds in a real browser: what is noted without a network arrives once each, in order."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import expect

from cages.models import Mark
from people.models import Role
from tests.factories import make_cage, make_member, make_user
from welfare.models import Look, Round

pytestmark = pytest.mark.django_db(transaction=True)
CAGES = 20
SOON_MS = 20_000


@pytest.fixture
def technician():
    owner = make_user("owner")
    for number in range(1, CAGES + 1):
        bay = {"rack": "B", "row": "ABCD"[(number - 1) // 5], "column": (number - 1) % 5 + 1}
        made = {"created_at": timezone.now() - timedelta(days=3)}
        cage = make_cage(f"Colony {number:02d}", owner, id=number, room="R1", **bay, **made)
    person = make_user("tim")
    make_member(person, cage.lab, Role.TECHNICIAN)
    return person


@pytest.fixture
def page(new_page, technician):
    """A tablet with a round under way, which has a copy of the page."""
    page = new_page(technician, size="tablet")
    page.goto("/rounds/")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("html[data-copied=yes]")).to_have_count(1, timeout=SOON_MS)
    return page


def tap(page, name):
    page.locator(".round-taps").get_by_role("button", name=name, exact=True).click()


def test_twenty_notes_without_a_network_arrive_once_each_and_in_order(page):
    page.context.set_offline(True)
    for number in range(1, CAGES + 1):
        if number % 2:
            tap(page, "looked fine")
        else:
            tap(page, "Cage change")
            page.get_by_role("button", name="Next").click()
        expect(page.locator(".round-queue")).to_have_attribute("data-waiting", str(number))
        if number == 10:
            page.reload()
            expect(page.locator(".round-progress")).to_have_text(f"10 of {CAGES} looked at")
            expect(page.locator("#round-cage")).to_have_text(re.compile("Colony 11"))
    expect(page.locator(".round-queue")).to_contain_text(f"Waiting on this device: {CAGES}")
    page.reload()
    expect(page.locator(".round-progress")).to_have_text(f"{CAGES} of {CAGES} looked at")
    assert not Look.objects.exists()
    assert not Mark.objects.exists()

    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator(".round-queue")).to_have_text("Everything is sent.", timeout=SOON_MS)
    looks = list(Look.objects.order_by("pk").values_list("cage", "at"))
    marks = list(Mark.objects.order_by("pk").values_list("cage", "starts_at"))
    assert [cage for cage, _at in looks] == list(range(1, CAGES, 2))
    assert [cage for cage, _at in marks] == list(range(2, CAGES + 1, 2))
    together = sorted(looks + marks, key=lambda one: one[1])
    assert [cage for cage, _at in together] == list(range(1, CAGES + 1))
    page.reload()
    expect(page.locator(".round-progress")).to_have_text(f"{CAGES} of {CAGES} looked at")
    assert Look.objects.count() + Mark.objects.count() == CAGES


def test_the_end_of_a_round_says_who_was_looked_at_and_who_was_skipped(page):
    page.locator(".round-skip summary").click()
    page.get_by_role("button", name="Not there").click()
    for _ in range(CAGES - 1):
        before = page.locator("#round-cage").inner_text()
        tap(page, "looked fine")
        if before != f"D-05 · Colony {CAGES}":
            expect(page.locator("#round-cage")).not_to_have_text(before)
    told = f"{CAGES - 1} of {CAGES} looked at"
    expect(page.locator(".round-result")).to_have_text(f"{told}, skipped: A-01")
    page.get_by_role("button", name="End the round").click()
    expect(page.locator(".lead")).to_contain_text(
        f"{told}, one skipped: A-01 (Not there)", timeout=SOON_MS
    )
    assert Round.objects.get().ended_at


def test_undo_takes_the_last_tap_back_and_returns_to_its_cage(page):
    tap(page, "looked fine")
    expect(page.locator("#round-cage")).to_contain_text("Colony 02")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#round-cage")).to_contain_text("Colony 01")
    expect(page.locator(".round-progress")).to_have_text(f"0 of {CAGES} looked at")
    expect(page.locator(".round-queue")).to_have_text("Everything is sent.", timeout=SOON_MS)
    assert Look.objects.get().withdrawn_at


def test_a_clock_that_is_ahead_is_told_and_the_note_stays_on_the_device(page):
    page.clock.install()
    page.clock.set_system_time(timezone.now() + timedelta(hours=3))
    tap(page, "looked fine")
    refused = page.locator(".round-refused li")
    expect(refused).to_contain_text("The clock of this device is ahead", timeout=SOON_MS)
    assert not Look.objects.exists()
    expect(page.locator(".round-progress")).to_have_text(f"0 of {CAGES} looked at")
    refused.get_by_role("button", name="Discard").click()
    expect(refused).to_have_count(0)
    expect(page.locator(".round-queue")).to_have_text("Everything is sent.")


def test_a_refused_note_stays_in_sight_on_the_pages_of_rounds_until_it_is_discarded(page):
    page.clock.install()
    page.clock.set_system_time(timezone.now() + timedelta(minutes=5))
    tap(page, "looked fine")
    expect(page.locator(".round-queue")).to_have_text("Refused: 1", timeout=SOON_MS)
    page.clock.set_system_time(timezone.now())
    # As if the device had told another round, which is gone.
    page.evaluate(
        """async () => {
          const [item] = await window.roundQueue.all();
          await window.roundQueue.remove(item.id);
          await window.roundQueue.add({ ...item, round: 7, at: new Date().toISOString() });
        }"""
    )
    tap(page, "looked fine")
    refused = page.locator(".round-refused li")
    told = "A-01 · Colony 01, looked fine, 20"
    expect(refused).to_contain_text("This round is not yours, or is gone.", timeout=SOON_MS)
    expect(refused).to_contain_text(told)
    page.get_by_role("button", name="End the round").click()
    expect(page.locator(".round-over")).to_be_visible(timeout=SOON_MS)
    expect(page.locator(".round-taps")).to_be_hidden()
    page.get_by_role("link", name="What came of it").click()
    expect(page.locator(".lead")).to_contain_text(f"1 of {CAGES} looked at")
    expect(refused).to_contain_text(told)
    page.goto("/rounds/")
    expect(page.locator(".round-queue")).to_have_text("Refused: 1")
    refused.get_by_role("button", name="Discard").click()
    expect(refused).to_have_count(0)
    expect(page.locator(".round-queue")).to_be_hidden()


def test_the_page_of_the_result_follows_when_the_last_refused_note_is_discarded(page):
    page.clock.install()
    page.clock.set_system_time(timezone.now() + timedelta(minutes=5))
    tap(page, "looked fine")
    refused = page.locator(".round-refused li")
    expect(refused).to_have_count(1, timeout=SOON_MS)
    page.clock.set_system_time(timezone.now() - timedelta(hours=1))
    page.get_by_role("button", name="End the round").click()
    expect(page.locator(".round-over")).to_be_visible(timeout=SOON_MS)
    refused.get_by_role("button", name="Discard").click()
    expect(page.locator(".lead")).to_contain_text(f"0 of {CAGES} looked at", timeout=SOON_MS)


def test_undo_takes_back_what_was_noted_before_the_page_was_opened(page):
    tap(page, "looked fine")
    expect(page.locator(".round-queue")).to_have_text("Everything is sent.", timeout=SOON_MS)
    page.goto("/rounds/cage/2/")
    expect(page.locator(".round-progress")).to_have_text(f"1 of {CAGES} looked at")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#round-cage")).to_contain_text("Colony 01")
    expect(page.locator(".round-progress")).to_have_text(f"0 of {CAGES} looked at")


def test_a_round_of_an_earlier_day_says_so(page):
    expect(page.locator(".round-old")).to_be_hidden()
    Round.objects.update(begun_at=timezone.now() - timedelta(days=1))
    page.reload()
    expect(page.locator(".round-old")).to_contain_text("began on an earlier day")


def test_after_the_session_has_ended_what_waits_stays_and_says_so(page, technician):
    session = page.context.cookies()
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    tap(page, "looked fine")
    expect(page.locator(".round-queue")).to_contain_text("You are signed out", timeout=SOON_MS)
    expect(page.locator(".round-queue")).to_have_attribute("data-waiting", "1")
    # Signed in again.
    page.context.add_cookies(session)
    page.reload()
    expect(page.locator(".round-queue")).to_have_text("Everything is sent.", timeout=SOON_MS)
    assert Look.objects.get().person == technician


def test_every_target_is_large_enough_for_a_glove(page):
    sizes = page.evaluate(
        "[...document.querySelectorAll('#round .tap')].filter(e => e.offsetParent)"
        ".map(e => [e.textContent.trim(), e.offsetHeight, e.offsetWidth])"
    )
    assert len(sizes) > CAGES
    assert [one for one in sizes if min(one[1:]) < 44] == []


def test_the_code_on_a_cage_leads_into_the_round_also_without_a_network(page):
    page.goto("/rounds/cage/7/")
    expect(page.locator("#round-cage")).to_contain_text("Colony 07")
    page.context.set_offline(True)
    page.goto("/rounds/cage/9/")
    expect(page.locator("#round-cage")).to_contain_text("Colony 09")
    page.context.set_offline(False)


def test_the_page_of_the_sign_in_takes_the_copies_away(page):
    assert page.evaluate("caches.has('neurocage-rounds')")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.goto("/accounts/login/")
    page.wait_for_function("caches.has('neurocage-rounds').then(has => !has)")


def test_the_list_of_rounds_opens_the_round_under_way_without_a_network(page):
    page.context.set_offline(True)
    page.goto("/rounds/")
    expect(page.locator("#round-cage")).to_contain_text("Colony 01")
    page.context.set_offline(False)


def test_who_may_not_open_a_concern_is_asked_to_tell_a_vet(page):
    tap(page, "concern")
    expect(page.locator(".round-hint")).to_contain_text("tell a vet as well")
    tap(page, "looked fine")
    expect(page.locator(".round-hint")).to_be_hidden()
    expect(page.locator(".round-queue")).to_have_text("Everything is sent.", timeout=SOON_MS)
