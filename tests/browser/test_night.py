"""The night sheet on paper and on a phone."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from cages.models import Rack, Room
from tests.browser import rounds_data
from tests.factories import make_cage, make_user
from welfare.models import NightSheet

pytestmark = pytest.mark.django_db(transaction=True)
CAGES, SAYING = 480, 20


@pytest.fixture
def sheet():
    owner = make_user("ruth")
    for number in range(1, CAGES + 1):
        row, column = "ABCDEFGH"[number % 8], number // 48 + 1
        bay = {"rack": f"Rack {number // 8 % 6}", "row": row, "column": column}
        make_cage(f"C57BL/6J colony {number}", owner, id=number, room="R1", **bay)
    end = timezone.now().replace(second=0, microsecond=0)
    start = end - timedelta(hours=12)
    saying, alone = range(1, SAYING + 1), range(SAYING + 1, CAGES + 1)
    facts = rounds_data.facts_of_room(saying, alone, end=end)
    room = Room.objects.get()
    assert Rack.objects.count() == 6
    return NightSheet.objects.create(
        room=room, begins_at=start, ends_at=end, made_at=end, facts=facts
    )


def test_it_is_two_pages_of_paper_for_480_cages_of_which_20_have_something_to_say(new_page, sheet):
    page = new_page(sheet.room.cages.first().owner)
    page.goto(f"/night/{sheet.room_id}/{timezone.localtime(sheet.ends_at):%Y-%m-%d}/")
    assert page.locator(".night-lines li").count() == SAYING
    pdf = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "10mm"))
    assert 1 <= len(re.findall(rb"/Type /Page\b(?!s)", pdf)) <= 2


@pytest.mark.parametrize("size", ["tablet", "phone"])
def test_nothing_runs_out_of_the_page(new_page, sheet, size):
    page = new_page(sheet.room.cages.first().owner, size=size)
    page.goto(f"/night/{sheet.room_id}/{timezone.localtime(sheet.ends_at):%Y-%m-%d}/")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
