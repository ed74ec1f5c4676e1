"""Signing in and out, registering, and the first administrator."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from people.locks import FAILURES
from tests.factories import PASSWORD, make_cage, make_user

User = get_user_model()
LOGIN, LOGOUT = reverse("login"), reverse("logout")
REGISTER, SETUP = reverse("register"), reverse("setup")
CAGES = reverse("cage-list")
WAITING = reverse("registrations")
CODE = "abcd-efgh"
EVE = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD}
FIRST = {**EVE, "code": CODE}


@pytest.fixture(autouse=True)
def _code(settings):
    settings.SETUP_CODE = CODE


@pytest.fixture
def registration_is_open(settings):
    settings.REGISTRATION_OPEN = True


def sign_in(client, password=PASSWORD, username="ruth", **address):
    return client.post(
        reverse("login", query=address) if address else LOGIN,
        {"username": username, "password": password},
    )


def is_signed_in(client):
    return client.get(CAGES).status_code == 200


# Signing in and out


def test_a_person_signs_in_and_sees_the_cages(client, user):
    response = sign_in(client)
    assert (response.status_code, response["Location"]) == (302, CAGES)
    assert is_signed_in(client)


def test_the_sign_in_page_has_the_form_and_no_way_into_the_rest(client, user):
    page = client.get(LOGIN).content.decode()
    assert 'name="username"' in page
    assert 'name="password"' in page
    assert 'aria-label="Main"' not in page


@pytest.mark.parametrize(
    ("username", "password"),
    [("ruth", "wrong"), ("nobody", PASSWORD), ("", ""), ("ruth", ""), ("ru\x00th", PASSWORD)],
)
def test_a_wrong_name_or_password_is_said_and_the_name_given_back(client, user, username, password):
    response = sign_in(client, password, username)
    assert response.status_code == 200
    assert response.context["form"].errors
    assert PASSWORD not in response.content.decode()
    assert not is_signed_in(client)


def test_wrong_name_and_wrong_password_look_the_same(client, user):
    errors = [
        sign_in(client, password, username).context["form"].non_field_errors()
        for username, password in (("ruth", "wrong"), ("nobody", PASSWORD))
    ]
    assert errors[0]
    assert errors[0] == errors[1]


def test_an_account_switched_off_cannot_sign_in(client, user):
    User.objects.update(is_active=False)
    assert sign_in(client).status_code == 200
    assert not is_signed_in(client)


def test_signing_in_leads_back_to_the_page_that_was_asked_for(client, user):
    cage = make_cage(owner=user)
    asked = client.get(cage.get_absolute_url())
    assert asked["Location"] == f"{LOGIN}?next=/cages/{cage.pk}/"
    response = client.post(asked["Location"], {"username": "ruth", "password": PASSWORD})
    assert response["Location"] == cage.get_absolute_url()


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        r"\\evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        " https://evil.example/",
        "https:evil.example",
    ],
)
def test_signing_in_never_leads_to_another_host(client, user, elsewhere):
    assert sign_in(client, next=elsewhere)["Location"] == CAGES
    # Signed in already: the same address must not lead away either.
    assert client.get(LOGIN, {"next": elsewhere})["Location"] == CAGES


def test_the_page_to_sign_in_keeps_no_way_to_another_host(client, user):
    page = client.get(LOGIN, {"next": "https://evil.example/"}).content.decode()
    assert "evil.example" not in page


def test_who_is_signed_in_already_is_led_to_the_cages(client_of, user):
    assert client_of(user).get(LOGIN)["Location"] == CAGES


def test_signing_out_ends_the_session(client_of, user):
    client = client_of(user)
    assert client.post(LOGOUT)["Location"] == LOGIN
    assert not is_signed_in(client)


def test_signing_out_after_the_session_has_ended_leads_to_the_cages_in_the_end(client, user):
    asked = client.post(LOGOUT)
    assert asked["Location"] == f"{LOGIN}?next={LOGOUT}"
    response = client.post(asked["Location"], {"username": "ruth", "password": PASSWORD})
    assert response["Location"] == CAGES


# Registering


@pytest.mark.parametrize("method", ["get", "post"])
def test_registration_is_closed_unless_opened(client, user, method):
    assert getattr(client, method)(REGISTER, EVE).status_code == 404
    assert list(User.objects.all()) == [user]
    assert REGISTER not in client.get(LOGIN).content.decode()


@pytest.mark.usefixtures("registration_is_open")
def test_who_registers_waits_and_is_nobody_special(client, user):
    assert REGISTER in client.get(LOGIN).content.decode()
    assert client.get(REGISTER).status_code == 200
    forged = {"is_staff": "on", "is_superuser": "on", "is_active": "on", "id": 1}
    response = client.post(REGISTER, EVE | forged)
    assert "Your account waits" in response.content.decode()
    eve = User.objects.get(username="eve")
    assert (eve.is_active, eve.is_staff, eve.is_superuser) == (False, False, False)
    assert not is_signed_in(client)


@pytest.mark.usefixtures("registration_is_open")
def test_who_waits_is_told_so_with_the_right_password_only(client, user):
    client.post(REGISTER, EVE)
    told = [str(sign_in(client, given, "eve").content) for given in (PASSWORD, "wrong")]
    assert ["waits for an administrator" in page for page in told] == [True, False]
    assert not is_signed_in(client)


@pytest.mark.usefixtures("registration_is_open")
def test_an_approved_account_signs_in_and_is_told_by_mail(
    client, client_of, letters, administrator, settings
):
    settings.BASE_URL = "https://cages.example.org"
    client.post(REGISTER, {**EVE, "email": "eve@example.org"})
    eve = User.objects.get(username="eve")
    admin = client_of(administrator)
    assert "eve@example.org" in admin.get(WAITING).content.decode()
    admin.post(WAITING, {"person": eve.pk, "answer": "approve"})
    letter = letters.next()
    assert "was approved" in letter
    assert "https://cages.example.org/accounts/login/" in letter
    assert sign_in(client, username="eve").status_code == 302
    assert "Nobody waits" in admin.get(WAITING).content.decode()


@pytest.mark.usefixtures("registration_is_open")
def test_a_refused_account_is_gone(client, client_of, administrator):
    client.post(REGISTER, EVE)
    eve = User.objects.get(username="eve")
    client_of(administrator).post(WAITING, {"person": eve.pk, "answer": "refuse"})
    assert list(User.objects.all()) == [administrator]


def test_an_account_that_does_not_wait_cannot_be_answered(client_of, user, administrator):
    User.objects.filter(pk=user.pk).update(is_active=False)
    for answer in ("approve", "refuse"):
        client_of(administrator).post(WAITING, {"person": user.pk, "answer": answer})
    assert User.objects.filter(pk=user.pk, is_active=False).exists()


@pytest.mark.usefixtures("registration_is_open")
def test_no_more_people_wait_than_the_list_shows(client, user, monkeypatch):
    monkeypatch.setattr("people.forms.accounts.WAITING_AT_MOST", 1)
    client.post(REGISTER, EVE)
    assert client.post(REGISTER, EVE | {"username": "next"}).context["form"].errors
    assert not User.objects.filter(username="next").exists()


@pytest.mark.usefixtures("registration_is_open")
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"username": "ruth"}, "username"),
        ({"username": "RUTH"}, "username"),
        ({"username": ""}, "username"),
        ({"username": "two words"}, "username"),
        ({"password2": "another one"}, "password2"),
        ({"password1": "12345678", "password2": "12345678"}, "password2"),
        ({"password1": "", "password2": ""}, "password1"),
    ],
)
def test_what_is_wrong_with_a_registration_stands_at_its_field(client, user, changed, field):
    response = client.post(REGISTER, {**EVE, **changed})
    assert response.status_code == 200
    assert field in response.context["form"].errors
    assert list(User.objects.all()) == [user]


# The first administrator


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["home", "cage-list", "cage-create", "ops", "login"])
def test_while_there_is_no_account_every_way_leads_to_the_set_up(client, name):
    response = client.get(reverse(name), follow=True)
    assert response.redirect_chain[-1][0] == SETUP
    assert "There are no accounts yet" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("registration_is_open")
def test_while_there_is_no_account_nobody_registers(client):
    assert client.post(REGISTER, EVE)["Location"] == SETUP
    assert not User.objects.exists()


@pytest.mark.django_db
def test_the_set_up_makes_one_administrator_who_is_signed_in(client):
    response = client.post(SETUP, FIRST, follow=True)
    assert "Neurocage is set up" in response.content.decode()
    eve = User.objects.get()
    assert (eve.username, eve.is_staff, eve.is_superuser) == ("eve", True, True)
    assert response.context["user"] == eve


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["", "wrong", "abcd-efg"])
def test_without_the_code_nobody_makes_the_first_account(client, code):
    answer = client.post(SETUP, {**FIRST, "code": code})
    assert answer.context["form"].errors["code"]
    assert not User.objects.exists()


@pytest.mark.django_db
def test_wrong_codes_are_limited_as_passwords_are(client):
    for _ in range(FAILURES):
        client.post(SETUP, {**FIRST, "code": "wrong"})
    answer = client.post(SETUP, FIRST)
    assert "Too many attempts" in answer.context["form"].errors["code"][0]
    assert not User.objects.exists()


@pytest.mark.django_db
def test_the_start_prints_the_address_of_the_set_up_as_long_as_there_is_no_account(
    client, capsys, settings
):
    settings.SETUP_CODE, settings.BASE_URL = "", "http://cages.example.org"
    call_command("setup_code")
    path = capsys.readouterr().out.strip().rpartition("http://cages.example.org")[2]
    code = client.get(path).context["form"]["code"].value()
    assert re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", code)
    assert client.post(SETUP, {**EVE, "code": code.upper().replace("-", " ")}).status_code == 302
    call_command("setup_code")
    assert capsys.readouterr().out == ""


@pytest.mark.django_db
def test_accounts_can_be_made_after_the_set_up(client):
    client.post(SETUP, FIRST)
    assert make_user("next").pk > User.objects.get(username="eve").pk


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"username": ""}, "username"),
        ({"password2": "another one"}, "password2"),
        ({"password1": "neurocage", "password2": "neurocag"}, "password2"),
        ({"password1": "password", "password2": "password"}, "password2"),
    ],
)
def test_what_is_wrong_with_the_set_up_stands_at_its_field(client, changed, field):
    response = client.post(SETUP, {**FIRST, **changed})
    assert response.status_code == 200
    assert field in response.context["form"].errors
    assert not User.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_set_up_is_gone_as_soon_as_there_is_an_account(client, user, method):
    assert getattr(client, method)(SETUP, FIRST).status_code == 404
    assert list(User.objects.all()) == [user]


def test_the_set_up_is_gone_even_where_the_only_account_is_switched_off(client, user):
    User.objects.update(is_active=False)
    assert client.post(SETUP, FIRST).status_code == 404


@pytest.mark.django_db
def test_of_two_who_set_up_at_the_same_time_the_second_is_refused(client, monkeypatch):
    # Both looked before either of them was there.
    monkeypatch.setattr("people.views.accounts.nobody_has_an_account", lambda: True)
    assert client.post(SETUP, FIRST).status_code == 302
    second = client.post(SETUP, {**FIRST, "username": "mallory"})
    assert second.status_code == 404
    assert [person.username for person in User.objects.all()] == ["eve"]


@pytest.mark.django_db
def test_the_set_up_works_again_where_all_accounts_were_deleted(client):
    client.post(SETUP, FIRST)
    make_user("second")
    User.objects.all().delete()
    client.logout()
    assert client.post(SETUP, FIRST).status_code == 302
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('people_user', 'id'))")
        assert cursor.fetchone()[0] > User.objects.get().pk


@pytest.mark.usefixtures("registration_is_open")
@pytest.mark.parametrize("username", ["ΡΟΔΟΣ", "ροδος", "ροδοσ"])
def test_a_name_that_reads_the_same_as_another_is_taken(client, db, username):
    make_user("Ροδος")
    response = client.post(REGISTER, {**EVE, "username": username})
    errors = response.context["form"].errors
    assert errors == {"username": ["A user with that username already exists."]}


def test_the_admins_sign_in_is_ours(client, client_of, user):
    answer = client.get("/admin/login/?next=/admin/")
    assert answer["Location"].startswith(LOGIN)
    assert client_of(user).get("/admin/login/").status_code == 403
