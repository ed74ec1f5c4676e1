"""Limits of attempts to sign in, and the log of what people do to their accounts."""

import logging
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from people.attempts import ACCOUNT_FAILURES, ADDRESS_FAILURES, LOCK_MINUTES, minutes_locked
from people.models import Act, SignInAct
from people.tasks import forget_sign_in_acts
from tests.factories import PASSWORD, make_user

LOGIN = reverse("login")
WRONG = "wrong"


def try_to_sign_in(client, password=WRONG, username="ruth", **extra):
    return client.post(LOGIN, {"username": username, "password": password}, **extra)


def said(response):
    return response.context["form"].non_field_errors()


def fail(name="ruth", count=1, address="192.0.2.1", minutes_ago=0.0):
    """Note so many wrong passwords. Returns when."""
    at = timezone.now() - timedelta(minutes=minutes_ago)
    for _ in range(count):
        SignInAct.objects.create(at=at, name=name, key=name, address=address, act=Act.FAILED)
    return at


def test_the_right_password_after_40_wrong_ones_is_refused_and_all_are_noted(client, user):
    for _ in range(40):
        try_to_sign_in(client)
    response = try_to_sign_in(client, PASSWORD)
    assert said(response) == ["Too many attempts. Try again in 1 minute."]
    assert client.get(reverse("cage-list")).status_code == 302
    noted = [SignInAct.objects.filter(act=act, person=user).count() for act in ("failed", "locked")]
    assert noted == [ACCOUNT_FAILURES, 36]


def test_a_locked_account_tells_nobody_whether_the_password_is_right(client, user):
    fail(count=ACCOUNT_FAILURES)
    assert said(try_to_sign_in(client)) == said(try_to_sign_in(client, PASSWORD))


def test_an_unknown_name_is_locked_as_an_account_is(client, user):
    fail(count=ACCOUNT_FAILURES)
    fail("nobody", ACCOUNT_FAILURES)
    assert said(try_to_sign_in(client)) == said(try_to_sign_in(client, username="nobody"))


@pytest.mark.parametrize("beyond", range(len(LOCK_MINUTES) + 1))
def test_each_failure_makes_the_lock_longer_up_to_the_longest(db, beyond):
    at = fail(count=ACCOUNT_FAILURES + beyond, address=None)
    expected = LOCK_MINUTES[min(beyond, len(LOCK_MINUTES) - 1)]
    assert minutes_locked("ruth", None, at) == expected
    assert minutes_locked("ruth", None, at + timedelta(minutes=expected)) == 0


def test_the_lock_ends_by_itself_and_signing_in_begins_the_count_again(client, user):
    fail(count=ACCOUNT_FAILURES, minutes_ago=LOCK_MINUTES[0] + 1)
    assert try_to_sign_in(client, PASSWORD).status_code == 302
    fail(count=ACCOUNT_FAILURES - 1)
    assert minutes_locked("ruth", None, timezone.now()) == 0


def test_a_name_that_reads_the_same_shares_its_count(client, user):
    for name in ["ruth", "RUTH", "Ruth", "ruth", "RUTH"]:
        try_to_sign_in(client, username=name)
    assert "Too many" in said(try_to_sign_in(client, PASSWORD))[0]


def test_one_address_may_not_try_many_names(client, user):
    for number in range(ADDRESS_FAILURES):
        fail(f"name{number}", address="127.0.0.1")
    assert said(try_to_sign_in(client, PASSWORD)) == ["Too many attempts. Try again in 10 minutes."]
    elsewhere = try_to_sign_in(client, PASSWORD, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 302


def test_signing_in_and_out_and_a_changed_password_are_noted(client, user):
    try_to_sign_in(client, PASSWORD, HTTP_USER_AGENT="x" * 1000)
    new = "another long and boring passphrase"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    client.post(reverse("password-change"), form)
    client.post(reverse("logout"))
    acts = SignInAct.objects.order_by("pk")
    assert [act.act for act in acts] == ["signed_in", "password_changed", "signed_out"]
    assert {act.person for act in acts} == {user}
    assert acts[0].address == "127.0.0.1"
    assert acts[0].user_agent == "x" * SignInAct.AGENT_LENGTH


def test_a_password_typed_as_the_name_is_not_logged(client, user, caplog):
    caplog.set_level(logging.INFO, "people.sign_in")
    try_to_sign_in(client, username=PASSWORD)
    assert "failed: person None, address 127.0.0.1" in caplog.text
    assert PASSWORD not in caplog.text


def test_acts_outlive_the_person(client, user):
    try_to_sign_in(client, PASSWORD)
    user.delete()
    act = SignInAct.objects.get()
    assert (act.person, act.name) == (None, "ruth")


def test_old_acts_are_deleted_a_bounded_number_at_a_time(db, monkeypatch):
    monkeypatch.setattr(SignInAct, "FORGET_AT_ONCE", 2)
    fail(count=3, minutes_ago=SignInAct.KEPT / timedelta(minutes=1) + 1)
    fail()
    left = []
    for _ in range(3):
        forget_sign_in_acts()
        left.append(SignInAct.objects.count())
    assert left == [2, 1, 1]


# The pages of the log


def test_a_person_sees_the_own_acts_alone(client, user):
    make_user("otto")
    try_to_sign_in(client, username="otto")
    try_to_sign_in(client, PASSWORD)
    page = client.get(reverse("sign-in-acts")).content.decode()
    assert "Signed in" in page
    assert "Wrong name or password" not in page


def test_administrators_see_all_acts_and_may_search_for_a_name(client_of, user):
    fail("otto", address="192.0.2.44")
    fail("ida", address="192.0.2.55")
    admin = client_of(make_user("ada", is_superuser=True))
    address = reverse("sign-in-acts-all")
    assert "192.0.2.55" in admin.get(address).content.decode()
    page = admin.get(address, {"name": "OTTO"}).content.decode()
    assert "192.0.2.44" in page
    assert "192.0.2.55" not in page
    assert client_of(user).get(address).status_code == 403


def test_an_administrator_ends_a_lock(client_of, client, user):
    fail(count=ACCOUNT_FAILURES)
    address = reverse("sign-in-lock-end")
    assert client_of(user).post(address, {"name": "ruth"}).status_code == 403
    admin = client_of(make_user("ada", is_superuser=True))
    admin.post(address, {"name": "ruth"})
    assert try_to_sign_in(client, PASSWORD).status_code == 302


@pytest.mark.parametrize("name", ["sign-in-acts", "sign-in-acts-all"])
def test_a_page_of_acts_takes_the_same_queries_however_many_there_are(client_of, user, name):
    user.is_staff = True
    user.save()
    staff = client_of(user)

    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert staff.get(reverse(name)).status_code == 200
        return len(asked)

    before = queries()
    fail(count=30)
    SignInAct.objects.update(person=user)
    assert queries() == before


def test_an_export_holds_the_acts_and_runs_in_no_spreadsheet(client_of, user):
    fail("=1+1", address="192.0.2.44")
    staff = client_of(make_user("ada", is_superuser=True))
    address = reverse("sign-in-acts-export")
    lines = staff.get(address).getvalue().decode().splitlines()
    assert lines[0] == "at,act,person_id,name,address,user_agent"
    assert lines[2].endswith(",failed,,'=1+1,192.0.2.44,")
    assert client_of(user).get(address).status_code == 403
