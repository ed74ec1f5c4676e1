"""What people do in a real browser. JavaScript is off unless a test switches it on."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cages.models import Cage, Health, Outcome, Room
from cages.slots import slot_of
from people.setup_code import setup_code
from tests.browser.chromium import SIZES, sign_in
from tests.factories import MINUTE, PASSWORD, make_cage, make_user, record_minute
from tests.played import played_sensors

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_facility_sets_itself_up_and_adds_its_first_cage(new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/")
    expect(page).to_have_url(re.compile("/setup/$"))
    page.get_by_label("Code").fill(setup_code())
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password", exact=False).first.fill("grey mice run at night")
    page.get_by_label("Password confirmation").fill("grey mice run at night")
    page.get_by_role("button", name="Create administrator").click()
    page.get_by_role("link", name="Add the first cage").click()
    page.get_by_label("Label").fill("C57 colony 4")
    page.get_by_label("Cage id").fill("117")
    page.get_by_label("Rack").fill("B")
    page.get_by_label("Row").fill("b")
    page.get_by_label("Column").fill("7")
    page.get_by_role("button", name="Create cage").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("C57 colony 4 cage 117")
    expect(page.get_by_text("rack B · B-07")).to_be_visible()


def test_a_cage_is_archived_and_restored_without_losing_anything(new_page):
    cage = make_cage("PV-Cre pair", owner=make_user("ruth"))
    record_minute(cage, slot_of(timezone.now()) - MINUTE, status=Health.OK)
    page = new_page(java_script_enabled=False)
    sign_in(page, "", "ruth", PASSWORD)
    page.get_by_role("link", name="PV-Cre pair").click()
    page.get_by_label(f"Menu of cage {cage.pk}").click()
    page.get_by_role("link", name="Archive…").click()
    expect(page.get_by_text("All readings and sensor requests stay.")).to_be_visible()
    page.get_by_label("Reason").fill("The study has ended")
    page.get_by_role("button", name="Archive this cage").click()
    expect(page.get_by_text("No cages yet")).to_be_visible()
    page.get_by_role("link", name="Archive", exact=True).click()
    page.get_by_role("link", name="Restore…").click()
    page.get_by_role("button", name="Restore this cage").click()
    expect(page.locator(".sentence")).to_contain_text("Ok")
    assert cage.polls.answered().count() == 1


def test_the_keyboard_alone_opens_a_cage_and_its_menu(new_page):
    cage = make_cage("PV-Cre pair", owner=make_user("ruth"))
    page = new_page(cage.owner)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="PV-Cre pair").focus()
    page.keyboard.press("Enter")
    page.get_by_label(f"Menu of cage {cage.pk}").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Move…")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/cages/{cage.pk}/move/$"))


def test_a_test_of_the_sensor_and_a_mistake_in_the_form_lose_nothing_that_was_typed(
    new_page, settings
):
    page = new_page(make_user("ruth"), java_script_enabled=False)
    page.get_by_role("link", name="New cage").click()
    page.get_by_label("Notes").fill("on wet food since Monday")
    page.get_by_label("Cage id").fill("117")
    with played_sensors() as sensors:
        sensors.get(f"{settings.SENSOR_API_URL}/data/117/", json={"cage_id": 117, "status": 1})
        page.get_by_role("button", name="Test sensor").click()
        expect(page.locator(".answer")).to_contain_text("Bad")
    page.get_by_label("Row").fill("B")
    page.get_by_role("button", name="Create cage").click()
    expect(page.locator("#div_id_label")).to_contain_text("This field is required")
    expect(page.locator("#div_id_rack")).to_contain_text("Enter the rack")
    expect(page.get_by_label("Notes")).to_have_value("on wet food since Monday")
    assert not Cage.objects.exists()


def test_cages_are_imported_after_a_look_at_what_would_happen(new_page):
    ruth = make_user("ruth")
    make_cage("Old name", ruth, id=7)
    page = new_page(ruth, java_script_enabled=False)
    page.get_by_role("link", name="Import").click()
    text = b"id,label,room\n7,New name,R2\n8,Second,R2\n9,,R2\n"
    file = {"name": "cages.csv", "mimeType": "text/csv", "buffer": text}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("row", name="7 · Old name")).to_contain_text("New name")
    expect(page.get_by_role("row", name="9")).to_contain_text("This field is required")
    assert Cage.objects.get().label == "Old name"
    page.get_by_role("button", name="Import 2 cages").click()
    expect(page.get_by_text("Imported: 1 new, 1 changed")).to_be_visible()
    expect(page.get_by_role("link", name="New name")).to_be_visible()


def test_the_cages_of_a_room_are_filtered_paused_and_their_cards_printed(new_page):
    ruth = make_user("ruth")
    for number in range(3):
        make_cage(f"North {number}", ruth, room="R1", id=10 + number)
        make_cage(f"South {number}", ruth, room="R2", id=20 + number)
    page = new_page(ruth, java_script_enabled=False)
    page.get_by_label("Room").select_option("R2")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.locator("label", has_text="South 1").click()
    page.get_by_label("Action").select_option("pause")
    page.get_by_role("button", name="Apply to selected").click()
    page.get_by_role("button", name="Pause 1 cage").click()
    expect(page.get_by_text("1 cage is paused.")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"/cages/\?room={Room.objects.get(name='R2').pk}$"))
    assert list(Cage.objects.filter(is_polled=False).values_list("pk", flat=True)) == [21]
    page.get_by_label("Action").select_option("cards")
    page.get_by_role("button", name="Apply to all").click()
    expect(page.get_by_role("heading", name="3 cage cards")).to_be_visible()
    page.get_by_label("Paper").select_option("letter")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".card-sheet.letter .cage-card")).to_have_count(3)


def test_no_page_scrolls_sideways_even_with_the_longest_names(new_page):
    cage = make_cage(
        "Long-Evans " + "w" * 89,
        owner=make_user("a-rather-long-user-name-of-somebody", is_superuser=True),
        room="R" * 50,
        rack="A" * 50,
        row="AA",
        column=120,
        strain="s" * 100,
        notes="n" * 400,
    )
    now = slot_of(timezone.now())
    for minutes in range(1, 4):
        outcome = Outcome.CONNECTION_ERROR if minutes % 2 else Outcome.ANSWERED
        detail = "x" * 200 if minutes % 2 else ""
        record_minute(cage, now - minutes * MINUTE, outcome=outcome, detail=detail)
    paths = ("", f"{cage.pk}/", f"{cage.pk}/edit/", f"{cage.pk}/archive/", "new/", "archived/")
    wide = []
    for size in SIZES:
        page = new_page(cage.owner, size=size)
        for address in (*(f"/cages/{path}" for path in paths), "/ops/"):
            page.goto(address)
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                wide.append((size, address))
    assert wide == []
