"""What an administrator does with people with the keyboard alone."""

import pytest
from django.utils import timezone

from people.models import ApiToken, Lab, Registration, Role
from tests.browser.keys import press, reach
from tests.factories import make_member, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_person_is_approved_given_another_role_and_loses_a_token(new_page):
    ada, wim = make_user("ada", is_superuser=True), make_user("wim", is_active=False)
    Registration.objects.create(person=wim)
    lab = Lab.objects.create(name="Sleep")
    bo = make_user("bo")
    make_member(bo, lab, Role.VIEWER)
    ApiToken.objects.issue(bo, "notebook", timezone.now())
    page = new_page(ada, reduced_motion="reduce")
    page.goto("/accounts/waiting/")
    press(page, page.get_by_role("button", name="Approve wim"))
    wim.refresh_from_db()
    assert wim.is_active
    page.goto("/labs/")
    reach(page, page.get_by_role("searchbox", name="Name"))
    page.keyboard.type("sleep")
    press(page, page.get_by_role("button", name="Search"))
    press(page, page.get_by_role("link", name="Sleep"))
    reach(page, page.get_by_label("Role of bo"))
    page.keyboard.type("Vet")
    press(page, page.get_by_role("button", name="Change bo"))
    assert bo.memberships.get(lab=lab).role == Role.VET
    page.goto("/tokens/people/")
    press(page, page.get_by_role("button", name="Revoke notebook"))
    assert not ApiToken.objects.live().exists()
