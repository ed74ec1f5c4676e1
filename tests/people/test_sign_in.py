"""How often somebody may try to sign in, and what is kept of it."""

import csv
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from people import locks
from people.models import Act, SignInAct
from people.models import sign_in as acts
from tests.factories import PASSWORD, make_user

LOGIN, ALL = reverse("login"), reverse("all-sign-in-acts")


def sign_in(client, password=PASSWORD, username="ruth", **extra):
    return client.post(LOGIN, {"username": username, "password": password}, **extra)


def errors_of(answer):
    return " ".join(answer.context["form"].non_field_errors())


def fail(client, times, username="ruth", **extra):
    return [sign_in(client, "wrong", username, **extra) for _ in range(times)]


def pass_time(**delta):
    """Everything that was noted is that much older."""
    for act in SignInAct.objects.all():
        SignInAct.objects.filter(pk=act.pk).update(at=act.at - timedelta(**delta))


def noted(**chosen):
    return list(SignInAct.objects.filter(**chosen).order_by("at").values_list("act", flat=True))


@pytest.mark.parametrize("username", ["ruth", "RUTH", "nobody"])
def test_after_five_wrong_passwords_an_account_is_locked_whether_it_exists_or_not(
    client, user, username
):
    fail(client, locks.FAILURES, username)
    assert errors_of(sign_in(client, username=username)) == (
        "Too many attempts. Try again in 1 minute."
    )


def test_forty_wrong_passwords_then_the_right_one_are_refused_and_noted(client, user):
    answers = fail(client, 40)
    answer = sign_in(client)
    assert answer.status_code == 200
    assert errors_of(answer) == errors_of(answers[-1])
    assert noted(person=user) == [Act.FAILED] * locks.FAILURES + [Act.LOCKED]


def test_each_lock_is_longer_and_ends_by_itself(client, user):
    for lock in (*locks.LOCKS, locks.LOCKS[-1]):
        fail(client, locks.FAILURES, REMOTE_ADDR="10.0.0.1")
        minutes = lock // timedelta(minutes=1)
        assert f"in {minutes} minute" in errors_of(sign_in(client))
        pass_time(minutes=minutes, seconds=1)
    assert sign_in(client).status_code == 302


def test_attempts_at_the_same_moment_do_not_skip_the_lock(user):
    for _ in range(locks.FAILURES + 2):
        SignInAct.objects.create(act=Act.FAILED, name="ruth", person=user)
    assert locks.locked_until("ruth", user, None, timezone.now())


def test_signing_in_forgets_the_wrong_passwords(client, user):
    fail(client, locks.FAILURES - 1)
    sign_in(client)
    client.logout()
    fail(client, locks.FAILURES - 1)
    assert sign_in(client).status_code == 302


def test_other_names_of_an_account_give_no_further_attempts(client, settings, user):
    settings.EMAIL_URL = "smtp://127.0.0.1:1"
    user.emailaddress_set.create(email="ruth@example.org", verified=True, primary=True)
    user.email = "ruth@example.org"
    user.save()
    fail(client, 3, "ruth")
    fail(client, 2, "ruth@example.org")
    assert "Too many" in errors_of(sign_in(client))


def test_an_address_that_tries_many_names_is_refused_for_ten_minutes(client, user):
    for number in range(locks.ADDRESS_FAILURES):
        fail(client, 1, f"name{number}", REMOTE_ADDR="10.0.0.1")
    assert "in 10 minutes" in errors_of(sign_in(client, REMOTE_ADDR="10.0.0.1"))
    assert sign_in(client, REMOTE_ADDR="10.0.0.2").status_code == 302


def test_the_limits_hold_where_the_old_password_is_asked(client_of, user):
    change = reverse("account_change_password")
    form = {"oldpassword": "wrong", "password1": "x" * 12, "password2": "x" * 12}
    client = client_of(user)
    for _ in range(locks.FAILURES):
        client.post(change, form)
    answer = client.post(change, form | {"oldpassword": PASSWORD})
    assert "Too many attempts" in answer.context["form"].errors["oldpassword"][0]


def test_mails_for_a_new_password_are_limited(client, letters, user):
    reset = reverse("account_reset_password")
    answers = [client.post(reset, {"email": "x@example.org"}) for _ in range(locks.MAILS + 1)]
    assert [answer.status_code for answer in answers] == [302] * locks.MAILS + [200]


def test_an_administrator_ends_a_lock(client, client_of, user, administrator):
    fail(client, locks.FAILURES)
    admin = client_of(administrator)
    assert "End the lock of ruth" in admin.get(ALL, {"name": "ruth"}).content.decode()
    admin.post(reverse("end-lock"), {"name": "ruth"})
    assert sign_in(client).status_code == 302


# Where the account is known


DESK, ELSEWHERE = {"REMOTE_ADDR": "10.0.0.1"}, {"REMOTE_ADDR": "10.0.0.2"}


def was_at_the_desk(username="ruth"):
    assert sign_in(Client(), username=username, **DESK).status_code == 302


def test_who_guesses_elsewhere_keeps_nobody_out_of_their_own_desk(client, user):
    was_at_the_desk()
    fail(client, locks.FAILURES, **ELSEWHERE)
    assert "Too many" in errors_of(sign_in(client, **ELSEWHERE))
    assert sign_in(client, **DESK).status_code == 302


def test_an_address_that_knows_the_account_has_a_lock_of_its_own(client, user):
    was_at_the_desk()
    fail(client, locks.FAILURES, **DESK)
    assert errors_of(sign_in(client, **DESK)) == "Too many attempts. Try again in 1 minute."


def test_signing_in_gives_no_further_attempts_to_who_guesses_elsewhere(client, user):
    was_at_the_desk()
    fail(client, locks.FAILURES, **ELSEWHERE)
    was_at_the_desk()
    assert "Too many" in errors_of(sign_in(client, **ELSEWHERE))
    pass_time(minutes=2)
    fail(client, locks.FAILURES, **ELSEWHERE)
    assert "in 5 minutes" in errors_of(sign_in(client, **ELSEWHERE))


@pytest.mark.parametrize(("days", "status"), [(29, 302), (31, 200)])
def test_an_address_is_forgotten_after_a_time(client, user, days, status):
    was_at_the_desk()
    pass_time(days=days)
    fail(client, locks.FAILURES, **ELSEWHERE)
    assert sign_in(client, **DESK).status_code == status


def test_an_address_knows_one_account_and_no_other(client, user):
    make_user("vera")
    was_at_the_desk("vera")
    fail(client, locks.FAILURES, **ELSEWHERE)
    assert "Too many" in errors_of(sign_in(client, **DESK))


def test_an_address_does_not_know_who_takes_the_name_of_a_deleted_account(client, user):
    was_at_the_desk()
    user.delete()
    make_user("ruth")
    fail(client, locks.FAILURES, **ELSEWHERE)
    assert "Too many" in errors_of(sign_in(client, **DESK))


def test_the_lock_of_the_address_holds_where_the_account_is_known(client, user):
    was_at_the_desk()
    for number in range(locks.ADDRESS_FAILURES):
        fail(client, 1, f"name{number}", **DESK)
    assert "in 10 minutes" in errors_of(sign_in(client, **DESK))


@pytest.mark.parametrize("name", ["all-sign-in-acts", "sign-in-acts-export", "end-lock"])
def test_only_administrators_see_the_sign_ins_of_others(client_of, staff, name):
    assert client_of(staff).post(reverse(name), {"name": "ruth"}).status_code == 403
    assert client_of(staff).get(reverse(name)).status_code == 403


# The log


def test_what_happens_to_an_account_is_noted_with_address_and_browser(client, user):
    fail(client, 1)
    sign_in(client, REMOTE_ADDR="10.0.0.7", HTTP_USER_AGENT="Browser " + "x" * 300)
    client.post(
        reverse("account_change_password"),
        {
            "oldpassword": PASSWORD,
            "password1": "quite long enough",
            "password2": "quite long enough",
        },
    )
    client.post(reverse("logout"))
    assert noted(person=user) == ["failed", "signed_in", "password_changed", "signed_out"]
    act = SignInAct.objects.get(act=Act.SIGNED_IN)
    assert (act.address, len(act.user_agent)) == ("10.0.0.7", acts.USER_AGENT_LENGTH)


def test_a_name_is_cut_and_kept_as_it_was_typed(client, user):
    sign_in(client, username="N" * 151)
    sign_in(client, username="Nobody")
    assert list(SignInAct.objects.values_list("name", flat=True)) == ["Nobody"]


def test_the_log_line_holds_no_name_that_is_no_account(client, user, caplog):
    caplog.set_level("INFO", logger="people")
    fail(client, 1, "my secret password")
    fail(client, 1)
    assert "my secret password" not in caplog.text
    assert "failed: account ruth, address 127.0.0.1." in caplog.text


def test_a_person_sees_their_own_acts_only(client, client_of, user):
    fail(client, 1, "vera")
    fail(client, 1, "ruth")
    page = client_of(user).get(reverse("sign-in-acts")).context
    assert {act.person for act in page["acts"]} == {user}


def test_the_pages_are_bounded_and_their_queries_fixed(
    client_of, administrator, django_assert_max_num_queries
):
    client = client_of(administrator)
    SignInAct.objects.bulk_create(
        SignInAct(act=Act.FAILED, name="x", key="x", person=make_user()) for _ in range(30)
    )
    with django_assert_max_num_queries(12):
        client.get(ALL)
    SignInAct.objects.bulk_create(
        SignInAct(act=Act.FAILED, name="x", key="x", person=administrator) for _ in range(250)
    )
    assert len(client.get(ALL).context["acts"]) == 200
    assert len(client.get(reverse("sign-in-acts")).context["acts"]) == 50


def test_the_export_holds_what_the_filter_chooses_and_no_formula(client_of, administrator, client):
    fail(client, 1, "=1+1")
    fail(client, 1, "other")
    answer = client_of(administrator).get(reverse("sign-in-acts-export"), {"name": "=1+1"})
    rows = list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["name"], row["act"]) for row in rows] == [("'=1+1", "failed")]


def test_old_acts_are_deleted_some_at_a_time(db, monkeypatch):
    monkeypatch.setattr(acts, "DELETED_AT_ONCE", 2)
    now = timezone.now()
    for days in (399, 401, 402, 403):
        SignInAct.objects.create(act=Act.FAILED, name="x", at=now - timedelta(days=days))
    assert [SignInAct.objects.delete_old(now) for _ in range(3)] == [2, 1, 0]
    assert SignInAct.objects.count() == 1


@pytest.mark.parametrize(
    ("mail", "label"), [("", "Username"), ("smtp://localhost:25", "Username or mail address")]
)
def test_the_form_says_what_it_takes(db, settings, mail, label):
    make_user("ruth")
    settings.EMAIL_URL = mail
    page = Client().get("/accounts/login/")
    assert re.search(rf">\s*{label}\s*<span", page.text)
