"""Sending on real servers: an SMTP server and an HTTP receiver, both on loopback."""

import json
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection

from tests.factories import MINUTE
from tests.welfare.sending.ground import NOW, RAISED, Clock, by_channel, delivery, send
from welfare import tasks
from welfare.models import Act, Delivery, Failure, Notice, Wish
from welfare.notices import channels, sending
from welfare.notices.grouping import make_notices


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
