"""Notices for programs and as a file: GET /api/v1/notices and /notices/export/."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client

from people.models import ApiToken
from tests.factories import MINUTE, at, make_cage, make_user
from tests.pages import queries_of
from tests.welfare.factories import make_concern
from welfare.models import Channel, Delivery, DutyShift, Failure, Kind, Notice, Told, Wish
from welfare.notices import sending
from welfare.notices.forgetting import KEPT_FOR, forget
from welfare.notices.grouping import make_notices

NOW = at("07:10")
SECRET = "jsons://example.org/secret-path"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def vera():
    """A person who is told of everything by mail and by a channel."""
    person = make_user("vera", email="vera@example.org")
    channel = Channel.objects.create(name="Pager", address=SECRET, made_at=NOW)
    Wish.objects.create(person=person, kinds=list(Kind), by_mail=True, channel=channel)
    return person


@pytest.fixture
def concern(vera):
    """A concern that Vera was told of; the mail was sent, and the channel failed."""
    concern = make_concern(make_cage("=1+1", owner=vera), raised="07:00")
    make_notices(at("07:05"))
    mail, pager = Delivery.objects.order_by("channel__pk").select_for_update()
    if mail.channel:
        mail, pager = pager, mail
    for delivery, failure in ((mail, None), (pager, Failure.TIMEOUT)):
        Delivery.objects.filter(pk=delivery.pk).update(begun_at=at("07:05"), tries=1)
        sending.note_result(delivery.pk, failure, at("07:06"))
    return concern


def get(person, **query):
    _token, secret = ApiToken.objects.issue(person, f"t{len(query)}", NOW, form="1")
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    answer = client.get("/api/v1/notices", query)
    assert answer.status_code == 200, answer.content
    return answer.json()["items"]


def rows_of(client, **query):
    answer = client.get("/notices/export/", query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_an_item_has_its_concerns_and_its_deliveries(vera, concern):
    (item,) = get(vera)
    assert (item["recipient"], item["why"], item["concerns"]) == ("vera", "raised", [concern.pk])
    mail, pager = sorted(item["deliveries"], key=lambda one: one["way"], reverse=True)
    assert (mail["way"], mail["channel"], mail["sent_at"]) == ("mail", None, "2026-03-02T06:06:00Z")
    assert (pager["channel"], pager["failure"], pager["sent_at"]) == ("Pager", "timeout", None)


def test_a_person_gets_their_own_notices_and_an_administrator_all(vera, concern, administrator):
    assert get(make_user("otto")) == []
    assert len(get(administrator)) == 1


def test_notices_are_chosen_by_when_they_were_made(vera, concern):
    assert get(vera, to="2026-03-02T07:05") == []
    assert len(get(vera, **{"from": "2026-03-02T07:05"})) == 1


def test_the_file_has_a_row_for_each_delivery_and_no_secret(vera, concern, client_of):
    rows = rows_of(client_of(vera), days="7")
    assert [(row["way"], row["failure"]) for row in rows] == [("mail", ""), ("Pager", "timeout")]
    assert {row["concerns"] for row in rows} == {str(concern.pk)}
    assert "secret-path" not in str(rows) + str(get(vera))


def test_the_file_of_two_days_has_what_was_made_in_them(vera, concern, client_of):
    client = client_of(vera)
    assert len(rows_of(client, **{"from": "2026-03-01", "to": "2026-03-02"})) == 2
    assert rows_of(client, **{"from": "2026-02-27", "to": "2026-03-01"}) == []


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-03-02"},
        {"from": "nonsense", "to": "2026-03-02"},
        {"from": "2026-03-02", "to": "9999-12-31"},
    ],
)
def test_a_window_that_makes_no_sense_is_told(vera, client_of, query):
    page = client_of(vera).get("/notices/export/", query, follow=True)
    assert page.redirect_chain == [("/notices/", 302)]
    assert len(list(page.context["messages"])) == 1


def test_the_number_of_queries_does_not_grow_with_the_notices(vera, concern, client_of):
    client = client_of(vera)

    def export():
        rows_of(client, days="7")

    before = queries_of(export)
    for number in range(5):
        notice = Notice.objects.create(
            recipient=vera, why="over", subject="s", text="t", made_at=NOW
        )
        Told.objects.create(
            notice=notice, recipient=vera, concern=concern, why="over", number=number, at=NOW
        )
        Delivery.objects.create(notice=notice, made_at=NOW, due_at=NOW)
    assert queries_of(export) == before


def test_a_shift_goes_long_after_its_end(vera):
    DutyShift.objects.create(person=vera, starts_at=NOW - timedelta(days=500), ends_at=NOW)
    assert forget(NOW + KEPT_FOR) == 0
    assert forget(NOW + KEPT_FOR + MINUTE) == 1
    assert not DutyShift.objects.exists()


def test_old_notices_go_but_not_those_of_open_concerns(vera, concern):
    test = Delivery.objects.create(channel=Channel.objects.get(), made_at=NOW, due_at=NOW)
    later = NOW + KEPT_FOR + timedelta(days=1)
    assert forget(later) == 1
    assert not Delivery.objects.filter(pk=test.pk).exists()
    concern.closed_at = NOW
    concern.save()
    assert forget(at("07:05") + KEPT_FOR - MINUTE) == 0
    assert forget(later) == 1
    assert not Notice.objects.exists()
    assert not Delivery.objects.exists()
