"""Sending on real servers: an SMTP server and an HTTP receiver, both on loopback."""

import json
import subprocess
import sys
import threading
import time
from datetime import time as clock_time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.db import connection

from people.models import Membership, Role, User
from tests.factories import MINUTE, at, make_cage, make_member, make_user
from tests.welfare.factories import make_concern
from welfare import desk, parts, tasks
from welfare.models import (
    Act,
    Channel,
    Concern,
    Delivery,
    Ending,
    Failure,
    Kind,
    Notice,
    Reason,
    RuleEdition,
    Why,
    Wish,
)
from welfare.notices import channels, sending, ways
from welfare.notices.grouping import make_notices

RAISED = at("07:00")
NOW = RAISED + 3 * MINUTE
HOUR = 60 * MINUTE
SECRET = "t0ps3cret"  # noqa: S105


class Clock:
    """The time as the worker reads it."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


class Receiver(ThreadingHTTPServer):
    """A real web server that keeps what was sent to it and answers as the test wants."""

    def __init__(self):
        self.got, self.status, self.hangs, self.location = [], 200, threading.Event(), ""
        super().__init__(("127.0.0.1", 0), Answer)

    def address(self, path="/hook"):
        return f"json://user:{SECRET}@127.0.0.1:{self.server_address[1]}{path}"


class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.got.append((self.path, body))
        if self.path == "/hangs":
            server.hangs.wait(60)
            return
        self.send_response(server.status)
        if server.location:
            self.send_header("Location", server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver(settings):
    settings.NOTICES_ALLOW_PRIVATE = True
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.hangs.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def vera(db):
    person = make_user("vera", email="vera@example.org", is_staff=True)
    Wish.objects.create(person=person, kinds=list(Kind), by_mail=True)
    return person


def by_channel(person, address):
    channel = Channel.objects.create(name="chat", address=address, made_at=RAISED)
    Wish.objects.filter(person=person).update(by_mail=False, channel=channel)
    return channel


@pytest.fixture
def concern(vera):
    return make_concern(make_cage("B-07", owner=vera, room="Room 2"), lasted=31)


def send(now=NOW):
    make_notices(now)
    return sending.send_due(Clock(now))


def delivery():
    return Delivery.objects.get()


def test_a_letter_arrives_once_with_its_headers(letters, vera, concern):
    assert send() == 1
    assert send(NOW + MINUTE) == 0
    ((to, content),) = letters.got
    notice = Notice.objects.get()
    assert to == ["vera@example.org"]
    assert "Auto-Submitted: auto-generated" in content
    assert f"Message-ID: <notice-{notice.pk}@localhost>" in content
    assert delivery().sent_at == NOW


def test_it_is_noted_in_the_trail(letters, vera, concern):
    send()
    entry = concern.trail.get(act=Act.TOLD)
    assert (entry.at, entry.text) == (NOW, "vera (mail)")


def test_a_channel_gets_subject_and_text(receiver, vera, concern):
    by_channel(vera, receiver.address())
    assert send() == 1
    ((path, body),) = receiver.got
    assert (path, body["title"]) == ("/hook", Notice.objects.get().subject)


def test_a_try_that_failed_is_repeated_after_growing_pauses(receiver, vera, concern):
    by_channel(vera, receiver.address())
    receiver.status = 500
    now, dues = NOW, []
    for _ in range(3):
        send(now)
        dues.append((delivery().due_at - now) // MINUTE)
        now = delivery().due_at
    assert dues == [1, 2, 4]
    assert (delivery().failure, delivery().tries) == (Failure.REJECTED, 3)
    receiver.status = 200
    send(now)
    assert (delivery().failure, delivery().sent_at) == ("", now)


def test_it_is_given_up_after_twelve_hours(vera, concern):
    make_notices(NOW)
    now = NOW
    while delivery().ended_at is None:
        sending.send_due(Clock(now))  # EMAIL_URL is not set
        now = max(delivery().due_at, now + MINUTE)
    hours = (delivery().ended_at - NOW) / timedelta(hours=1)
    assert 11 < hours <= 12
    assert delivery().failure == Failure.NOT_SET


def test_a_redirect_is_not_followed(receiver, vera, concern):
    by_channel(vera, receiver.address("/first"))
    receiver.status, receiver.location = 307, "/second"
    send()
    assert [path for path, _ in receiver.got] == ["/first"]
    assert delivery().failure == Failure.REJECTED


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_address_is_refused_by_number_and_by_name(
    receiver, vera, concern, settings, host
):
    settings.NOTICES_ALLOW_PRIVATE = False
    by_channel(vera, receiver.address().replace("127.0.0.1", host))
    send()
    assert receiver.got == []
    assert delivery().failure == Failure.FORBIDDEN


def test_an_address_of_a_clouds_metadata_is_always_refused(receiver, vera, concern):
    by_channel(vera, "json://169.254.169.254/latest")
    send()
    assert delivery().failure == Failure.FORBIDDEN


def test_a_receiver_that_hangs_holds_no_other(receiver, letters, vera, concern, monkeypatch):
    monkeypatch.setattr(channels, "DEADLINE_SECONDS", 8)
    by_channel(vera, receiver.address("/hangs"))
    Wish.objects.update(by_mail=True)
    make_notices(NOW)
    arrived = []
    work = threading.Thread(target=lambda: arrived.append(_arrives(letters, receiver)))
    work.start()
    sending.send_due(Clock())
    work.join()
    assert arrived == ["while the other hung"]
    failures = dict(Delivery.objects.values_list("channel__name", "failure"))
    assert failures == {"chat": Failure.TIMEOUT, None: ""}
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"failure": Failure.TIMEOUT, "due_at": RAISED}, id="failed"),
        pytest.param(
            {"begun_at": NOW - timedelta(seconds=channels.DEADLINE_SECONDS + 1)}, id="under way"
        ),
    ],
)
def test_a_way_that_hangs_comes_last_in_other_tasks_too(vera, concern, state):
    hung = by_channel(vera, "json://127.0.0.1/hook")
    Wish.objects.update(by_mail=True)
    make_notices(NOW)
    Delivery.objects.filter(channel=hung).update(tries=1, **state)
    for _ in range(2 * sending.AT_ONCE):
        Delivery.objects.create(channel=hung, made_at=RAISED, due_at=RAISED)
    taken = sending.claim(NOW, sending.hung_ways(NOW))
    assert [one.channel for one in taken] == [None, *[hung] * (sending.AT_ONCE - 1)]


def test_a_sender_that_cannot_start_is_no_fault_of_the_receiver(
    receiver, vera, concern, monkeypatch
):
    monkeypatch.setattr(channels, "LONGEST_SECONDS", 0.01)
    by_channel(vera, receiver.address())
    send()
    assert (receiver.got, delivery().failure) == ([], Failure.NOT_STARTED)


LOADED_AT_DEADLINE = """
import signal, sys
signal.setitimer = lambda *_: print("apprise.plugins.custom_json" in sys.modules)
from welfare.notices.courier import main
main()
"""


def test_the_deadline_begins_when_everything_is_loaded():
    done = subprocess.run(
        [sys.executable, "-c", LOADED_AT_DEADLINE],
        input=json.dumps({"check": "json://localhost", "seconds": 60}),
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
        check=True,
    )
    assert done.stdout == 'True\n{"failure": ""}'


def _arrives(letters, receiver):
    """When the letter arrived. The receiver hangs until the end of the test."""
    end = time.monotonic() + 60
    while not letters.got and time.monotonic() < end:
        time.sleep(0.05)
    return "while the other hung" if letters.got and not receiver.hangs.is_set() else "never"


def test_a_worker_that_stops_begins_no_further_message(vera, concern, receiver):
    by_channel(vera, receiver.address())
    make_notices(NOW)
    stop = threading.Event()
    stop.set()
    assert sending.send_due(Clock(), stop) == 0
    assert (receiver.got, delivery().begun_at) == ([], None)
    assert sending.send_due(Clock()) == 1


def test_a_worker_that_is_told_to_stop_tells_its_task(vera, concern, receiver):
    by_channel(vera, receiver.address())
    make_notices(NOW)
    tasks.stop_waiting()
    try:
        tasks.send_notices()
    finally:
        tasks.judging.stop.clear()
    assert receiver.got == []
    assert not Delivery.objects.exclude(begun_at=None).exists()
    tasks.send_notices()
    assert receiver.got


def test_a_worker_killed_while_sending_makes_one_repeat_that_says_so(letters, vera, concern):
    make_notices(NOW)
    assert len(sending.claim(NOW)) == 1  # and then it is killed
    assert sending.send_due(Clock(NOW + MINUTE)) == 0
    later = NOW + sending.LOST_AFTER + timedelta(seconds=1)
    assert sending.send_due(Clock(later)) == 1
    assert "This may be a repeat" in letters.got[0][1]


def test_it_is_sent_again_at_most_once(vera, concern):
    make_notices(NOW)
    step = sending.LOST_AFTER + timedelta(seconds=1)
    assert [len(sending.claim(NOW + n * step)) for n in range(4)] == [1, 1, 0, 0]
    assert delivery().failure == Failure.LOST


@pytest.mark.django_db(transaction=True)
def test_a_second_worker_takes_nothing_that_the_first_one_has(vera, concern):
    make_notices(NOW)
    taken = []

    def other():
        taken.append(len(sending.claim(NOW)))
        connection.close()

    workers = [threading.Thread(target=other) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(taken) == [0, 0, 0, 1]


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
