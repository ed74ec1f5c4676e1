"""How long a session lives, and where a person is signed in."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from people import sessions

CAGES, SESSIONS = reverse("cage-list"), reverse("sessions")


def is_signed_in(client):
    return client.get(CAGES).status_code == 200


@pytest.fixture
def pass_time(monkeypatch):
    """pass_time(minutes=5) moves the clock."""
    moved = timedelta()
    real = timezone.now

    def forward(**delta):
        nonlocal moved
        moved += timedelta(**delta)

    monkeypatch.setattr("django.utils.timezone.now", lambda: real() + moved)
    return forward


def test_a_session_that_nobody_uses_ends(client_of, user, pass_time):
    client = client_of(user)
    pass_time(minutes=479)
    assert is_signed_in(client)
    pass_time(minutes=479)
    assert is_signed_in(client)
    pass_time(minutes=481)
    assert not is_signed_in(client)


def test_a_page_that_refreshes_itself_keeps_no_session(client_of, user, pass_time):
    client = client_of(user)
    pass_time(minutes=300)
    assert client.get(CAGES, headers={"HX-Request": "true"}).status_code == 200
    pass_time(minutes=300)
    assert not is_signed_in(client)


def test_a_session_ends_after_fourteen_days_though_it_is_used(client_of, user, pass_time):
    client = client_of(user)
    for _day in range(27):
        pass_time(hours=7)
        assert is_signed_in(client)
    for _day in range(27):
        pass_time(hours=6)
        client.get(CAGES)
    assert not is_signed_in(client)


def test_signing_out_everywhere_ends_all_other_sessions_of_this_person(client_of, user, staff):
    here, elsewhere, others = client_of(user), client_of(user), client_of(staff)
    assert len(here.get(SESSIONS).context["own"]) == 2
    here.post(SESSIONS)
    assert [is_signed_in(client) for client in (here, elsewhere, others)] == [True, False, True]
    assert len(here.get(SESSIONS).context["own"]) == 1


def test_the_list_says_from_where_and_when(client, user, pass_time):
    sent = {"username": "ruth", "password": "a long and boring passphrase"}
    client.post(reverse("login"), sent, REMOTE_ADDR="10.0.0.7", HTTP_USER_AGENT="Netscape")
    began = UserSession.objects.get().last_seen_at
    pass_time(minutes=5)
    page = client.get(SESSIONS).content.decode()
    assert "10.0.0.7" in page
    assert "Netscape" in page
    assert UserSession.objects.get().last_seen_at - began >= timedelta(minutes=5)


def test_expired_sessions_are_deleted_some_at_a_time(client_of, user, monkeypatch):
    monkeypatch.setattr(sessions, "DELETED_AT_ONCE", 2)
    for _ in range(3):
        client_of(user)
    now = timezone.now()
    Session.objects.update(expire_date=now - timedelta(seconds=1))
    client = client_of(user)
    assert [sessions.delete_expired(now) for _ in range(3)] == [2, 1, 0]
    assert is_signed_in(client)
    assert UserSession.objects.count() == 1
