"""Ways that fail, and addresses that are refused."""

import pytest

from tests.factories import MINUTE, make_cage, make_user
from tests.welfare.factories import make_concern
from tests.welfare.sending.ground import HOUR, NOW, RAISED, SECRET, by_channel, delivery, send
from welfare import parts
from welfare.models import Channel, Concern, Delivery, Ending, Failure, Kind, RuleEdition, Wish
from welfare.notices import ways


def test_a_channel_that_fails_raises_a_concern_and_ends_it(receiver, vera, concern):
    channel = by_channel(vera, receiver.address())
    receiver.status = 500
    send()
    ways.judge_ways(NOW)
    assert not Concern.objects.filter(kind=Kind.NEUROCAGE).exists()
    now = NOW + MINUTE
    send(now)
    ways.judge_ways(now)
    raised = Concern.objects.get(subject=f"channel:{channel.pk}")
    assert raised.is_open
    receiver.status = 200
    now += 2 * MINUTE
    send(now)
    ways.judge_ways(now)
    raised.refresh_from_db()
    assert (raised.is_open, raised.ending) == (False, "by_itself")


def test_a_way_that_fails_is_left_alone_while_the_rule_is_off(db):
    channel = Channel.objects.create(name="chat", address="json://x.example/", made_at=RAISED)
    tries = {"tries": 2, "failure": Failure.CONNECTION, "failed_at": RAISED}
    Delivery.objects.create(channel=channel, made_at=RAISED, due_at=NOW, **tries)
    ways.judge_ways(NOW)
    RuleEdition.objects.filter(rule__kind=Kind.NEUROCAGE).update(is_on=False)
    for minute in range(1, 4):
        parts.check_itself(NOW + minute * MINUTE)
        ways.judge_ways(NOW + minute * MINUTE)
    raised = Concern.objects.get(subject=f"channel:{channel.pk}")
    assert (raised.is_open, raised.ending) == (False, Ending.NOT_WATCHED)


def wish_by_mail(*names):
    for name in names:
        person = make_user(name, email=f"{name}@example.org", is_staff=True)
        Wish.objects.create(person=person, kinds=[Kind.BAD_LONG, Kind.NEUROCAGE], by_mail=True)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ("550 5.1.1 No such user", Failure.REFUSED_ADDRESS),
        ("550 5.4.1 Access denied", Failure.REFUSED_ADDRESS),
        ("550 No such user here", Failure.REFUSED_ADDRESS),
        ("554 5.7.1 Relay access denied", Failure.REJECTED),
        ("530 5.7.0 Authentication required", Failure.REJECTED),
        ("550 5.1.8 Bad sender", Failure.REJECTED),
        ("450 4.2.0 Greylisted", Failure.REJECTED),
    ],
)
def test_a_refused_address_is_told_apart_from_a_refused_letter(
    letters, vera, concern, answer, failure
):
    letters.to = {"vera@example.org": answer}
    send()
    assert delivery().failure == failure


def test_one_refused_address_is_no_failure_of_mail(letters, vera, concern):
    wish_by_mail("gone")
    letters.to = {"gone@example.org": "550 5.1.1 No such user"}
    now = NOW
    for _ in range(3):
        send(now)
        ways.judge_ways(now)
        now += 10 * MINUTE
    assert not Concern.objects.filter(subject="mail").exists()
    assert [one.username for one in ways.refused()] == ["gone"]
    # Nor is it a failure while only people are told who are refused for long.
    letters.to |= {"vera@example.org": "550 5.1.1 No such user"}
    for _ in range(2):
        now += HOUR
        make_concern(make_cage(owner=vera))
        send(now + 3 * MINUTE)
        ways.judge_ways(now + 3 * MINUTE)
    assert not Concern.objects.filter(subject="mail").exists()
    assert [one.username for one in ways.refused()] == ["gone", "vera"]
    letters.to = {}
    send(now + HOUR)
    assert ways.refused() == []


def test_a_mail_server_that_takes_no_address_at_all_fails(letters, vera, concern):
    wish_by_mail("mia")
    letters.to = dict.fromkeys(("vera@example.org", "mia@example.org"), "550 relay not permitted")
    for minutes in (0, 1):
        send(NOW + minutes * MINUTE)
        ways.judge_ways(NOW + minutes * MINUTE)
    raised = Concern.objects.get(subject="mail")
    letters.to = {}
    send(NOW + 10 * MINUTE)
    ways.judge_ways(NOW + 10 * MINUTE)
    raised.refresh_from_db()
    assert not raised.is_open


def test_nothing_kept_of_a_failure_holds_a_secret(receiver, vera, concern, caplog):
    by_channel(vera, receiver.address())
    receiver.status = 500
    send()
    kept = str(list(Delivery.objects.values())) + caplog.text
    assert SECRET not in kept


def test_a_refused_letter_is_tried_again(letters, vera, concern):
    letters.answer = "451 later"
    send()
    assert (delivery().failure, delivery().tries) == (Failure.REJECTED, 1)
