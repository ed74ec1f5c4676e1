"""The PDF of a night sheet from its page, and how long sheets are kept."""

import io
from datetime import timedelta

import pypdf
import pytest

from tests.factories import MINUTE, at, give_light, make_cage, make_schedule, make_user
from welfare.models import NightSheet
from welfare.night.making import make_due
from welfare.notices.forgetting import KEPT_FOR, forget

NOW = at("07:02:30")
BAY = {"rack": "A", "row": "A", "column": 2}
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def room(user):
    """A room with the lights on from 07:00 to 19:00, and one cage of which nothing is known."""
    room = make_cage("Colony", user, room="R1", **BAY).room
    give_light(room, make_schedule(), at("00:00") - timedelta(days=60))
    return room


def page_of(room):
    return f"/night/{room.pk}/2026-03-02/"


def words_of(answer):
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_page_leads_to_the_same_sheet_as_a_pdf(room, browser):
    make_due(NOW)
    assert f'href="{page_of(room)}pdf/"' in browser.get(page_of(room)).content.decode()
    answer = browser.get(f"{page_of(room)}pdf/")
    assert answer["Content-Type"] == "application/pdf"
    assert f'filename="night-{room.pk}-2026-03-02.pdf"' in answer["Content-Disposition"]
    assert "Night sheet: R1" in words_of(answer)
    assert "A-02" in words_of(answer)


@pytest.mark.parametrize("day", ["2026-03-02", "yesterday"])
def test_a_day_without_a_sheet_has_no_pdf(room, browser, day):
    assert browser.get(f"/night/{room.pk}/{day}/pdf/").status_code == 404


def test_the_pdf_holds_only_cages_that_the_person_sees(room, client_of):
    other = make_user("other")
    assert client_of(other).get(f"{page_of(room)}pdf/").status_code == 404
    make_cage("Theirs", other, room="R1")
    make_due(NOW)
    words = words_of(client_of(other).get(f"{page_of(room)}pdf/"))
    assert "Theirs" in words
    assert "A-02" not in words


def test_sheets_are_deleted_when_notices_are(room):
    make_due(NOW)
    assert forget(NOW + KEPT_FOR) == 0
    assert forget(NOW + KEPT_FOR + MINUTE) == 1
    assert not NightSheet.objects.exists()
