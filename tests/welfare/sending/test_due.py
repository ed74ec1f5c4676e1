"""What has waited is sent only where it is still so, and recovery after its first message."""

from datetime import time as clock_time

import pytest

from people.models import Membership, Role, User
from tests.factories import MINUTE, at, make_cage, make_member, make_user
from tests.welfare.factories import make_concern
from tests.welfare.sending.ground import NOW, RAISED, Clock, by_channel, delivery, send
from welfare import desk
from welfare.models import Channel, Concern, Delivery, Failure, Kind, Notice, Reason, Why, Wish
from welfare.notices import sending
from welfare.notices.grouping import make_notices


def test_what_waited_for_the_morning_is_not_sent_when_it_is_all_over(letters, vera, concern):
    make_notices(NOW)
    Concern.objects.update(closed_at=NOW, over_slot=NOW)
    assert sending.send_due(Clock()) == 0
    assert letters.got == []
    assert (delivery().ended_at, delivery().failure) == (NOW, "")


def _switch_off(channel, person, lab):
    Channel.objects.update(is_on=False)


def _deactivate(channel, person, lab):
    User.objects.filter(pk=person.pk).update(is_active=False)


def _leave_the_lab(channel, person, lab):
    Membership.objects.filter(person=person, lab=lab).delete()


@pytest.mark.parametrize("revoke", [_switch_off, _deactivate, _leave_the_lab])
@pytest.mark.parametrize(
    "waited", [{}, {"tries": 2, "failure": "timeout"}, {"begun_at": RAISED - 9 * MINUTE}]
)
def test_what_waits_ends_where_it_may_not_be_sent_any_more(db, receiver, revoke, waited):
    cage, nora = make_cage("B-07"), make_user("nora")
    make_member(nora, cage.lab, Role.VET)
    channel = Channel.objects.create(name="chat", address=receiver.address(), made_at=RAISED)
    Wish.objects.create(person=nora, kinds=list(Kind), channel=channel)
    make_concern(cage)
    make_notices(NOW)
    Delivery.objects.update(**waited)
    revoke(channel, nora, cage.lab)
    Delivery.objects.create(channel=channel, made_at=NOW, due_at=NOW)
    # A test of the channel is sent: an administrator asked for it.
    assert sending.send_due(Clock()) == 1
    assert len(receiver.got) == 1
    kept = Delivery.objects.get(notice__isnull=False)
    assert (kept.ended_at, kept.sent_at, kept.begun_at) == (NOW, None, None)


@pytest.mark.parametrize("why", [Why.REMINDER, Why.ESCALATED])
def test_what_somebody_took_meanwhile_is_not_sent_as_if_nobody_had(vera, concern, why):
    make_notices(NOW)
    Notice.objects.update(why=why)
    desk.acknowledge(concern.pk, vera, Reason.ON_MY_WAY, "", NOW + MINUTE)
    assert sending.claim(NOW + 2 * MINUTE) == []
    assert not Delivery.objects.waiting().exists()


def over(moment):
    Concern.objects.filter(kind=Kind.BAD_LONG).update(over_slot=moment)
    make_notices(moment)


def sent():
    rows = Notice.objects.filter(deliveries__sent_at__isnull=False).order_by("deliveries__sent_at")
    return [Why(notice.why) for notice in rows]


def test_recovery_that_waited_with_the_first_message_follows_it(letters, vera, concern):
    Wish.objects.update(quiet_from=clock_time(6), quiet_until=clock_time(9))
    make_notices(NOW)
    over(NOW + 20 * MINUTE)
    for minute in range(3):
        sending.send_due(Clock(at("09:00") + minute * MINUTE))
    assert sent() == [Why.RAISED, Why.OVER]


def test_recovery_waits_while_the_first_message_is_tried_again(receiver, vera, concern):
    by_channel(vera, receiver.address())
    receiver.status = 500
    send()
    over(NOW + MINUTE)
    sending.send_due(Clock(NOW + MINUTE))
    receiver.status = 200
    for minute in range(2, 6):
        sending.send_due(Clock(NOW + minute * MINUTE))
    assert sent() == [Why.RAISED, Why.OVER]


def test_recovery_is_not_kept_by_another_way_that_fails(receiver, letters, vera, concern):
    by_channel(vera, receiver.address())
    Wish.objects.update(by_mail=True)
    receiver.status = 500
    send()
    over(NOW + MINUTE)
    sending.send_due(Clock(NOW + MINUTE))
    assert len(letters.got) == 2


def test_recovery_is_not_told_where_the_first_message_was_given_up(vera, concern):
    make_notices(NOW)
    Delivery.objects.update(ended_at=NOW, failure=Failure.NOT_SET)
    over(NOW + MINUTE)
    assert sending.claim(NOW + MINUTE) == []
    assert not Delivery.objects.waiting().exists()


def test_recovery_is_not_told_of_what_is_there_again(letters, vera, concern):
    send()
    over(NOW + MINUTE)
    Concern.objects.update(over_slot=None)
    assert sending.send_due(Clock(NOW + MINUTE)) == 0
    assert not Delivery.objects.waiting().exists()
