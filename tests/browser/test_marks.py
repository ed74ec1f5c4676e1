"""Noting work in a real browser, with and without JavaScript."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cages.models import Mark
from tests.factories import make_cage, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cage():
    return make_cage("PV-Cre pair", owner=make_user("ruth"))


@pytest.mark.parametrize("script", [True, False])
def test_two_taps_note_a_cage_change_and_one_more_undoes_it(new_page, cage, script):
    page = new_page(cage.owner, size="phone", java_script_enabled=script)
    page.goto("/cages/")
    page.get_by_role("link", name="PV-Cre pair").click()
    page.get_by_role("button", name="Cage change").click()
    expect(page.get_by_text("Cage change is noted.")).to_be_visible()
    mark = Mark.objects.get()
    assert (mark.cage, mark.kind.code, mark.by) == (cage, "cage_change", "ruth")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Cage change of PV-Cre pair is withdrawn.")).to_be_visible()
    mark.refresh_from_db()
    assert mark.withdrawn_at is not None


def test_work_is_noted_afterwards_with_its_start_and_its_end(new_page, cage):
    page = new_page(cage.owner, size="tablet")
    page.goto(f"/cages/{cage.pk}/")
    page.get_by_role("link", name="more…").click()
    page.get_by_label("Weighing").check()
    start = timezone.localtime(timezone.now() - timedelta(minutes=40)).replace(second=0)
    page.get_by_label("Start").fill(f"{start:%Y-%m-%dT%H:%M}")
    page.get_by_label("End").fill(f"{start + timedelta(minutes=10):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Note it").click()
    expect(page).to_have_url(re.compile(r"/marks/\d+/$"))
    mark = Mark.objects.get()
    assert mark.ends_at - mark.starts_at == timedelta(minutes=10)
    assert mark.kind.code == "weighing"
