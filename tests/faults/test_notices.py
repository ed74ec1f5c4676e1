"""Sending goes wrong: the worker is killed, Redis is away, or a receiver never answers."""

import contextlib
import socket
import threading
import time

import pytest

from tests.faults.installation import signed_in
from tests.faults.receivers import (
    SEND,
    Letters,
    add_channel,
    execute,
    kick,
    kick_until,
    wants,
)
from tests.processes import PATIENCE, wait_for
from welfare.models import Kind
from welfare.models.notice import COLLECTS_FOR_MINUTES
from welfare.notices.sending import AT_ONCE, LOST_AFTER, PAUSE_MINUTES

pytestmark = pytest.mark.faults

# As the judge would have left it, long enough ago that nothing is collected any more.
RAISED = """
    INSERT INTO welfare_concern (kind, subject, raised_slot, raised_at, since, is_since_known,
                                 facts, finding, ending, is_drill)
    VALUES (%s, %s, now(), now() - interval '4 min', now() - interval '4 min', false,
            '{}', '', '', false)
"""
SENT = """
    SELECT count(*) FROM welfare_delivery AS one JOIN welfare_notice AS notice
    ON notice.id = one.notice_id WHERE one.sent_at IS NOT NULL AND notice.why <> 'drill_due'
"""


@pytest.fixture
def letters():
    with Letters() as server:
        yield server


class Hanging:
    """A receiver that accepts every connection and never answers."""

    def __init__(self):
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept)
        self.accepted = []
        self.address = f"json://127.0.0.1:{self._server.getsockname()[1]}/hook"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.accepted.append(self._server.accept()[0])

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        # A thread that accepts is only woken by this.
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for each in (self._server, *self.accepted):
            each.close()


def raise_concern(installation, subject, kind=Kind.NEUROCAGE):
    execute(installation, RAISED, (kind.value, subject))


def sent(installation):
    return installation.rows(SENT)[0][0]


def test_a_letter_is_repeated_at_most_once_and_says_so(install, letters, measured):
    installation = install("welfare1", EMAIL_URL=letters.url)
    letters.may_answer.clear()
    raise_concern(installation, "disk")
    wants(installation, "ruth", [Kind.NEUROCAGE])
    kick_until(installation, SEND, lambda: letters.got, "the first letter is with the mail server")
    installation.kill("welfare1")
    killed = time.monotonic()
    letters.may_answer.set()
    installation.start_process("welfare2")
    installation.wait_for_workers()
    time.sleep(LOST_AFTER.total_seconds())
    kick_until(installation, SEND, lambda: len(letters.got) == 2, "the letter is sent again")
    measured("from the death of the worker to the repeat", time.monotonic() - killed)
    wait_for(lambda: sent(installation), PATIENCE, "it is noted")
    kick(installation, SEND)
    time.sleep(5)
    assert ["may be a repeat" in letter for letter in letters.to("ruth")] == [False, True]


def test_without_redis_each_letter_arrives_once(install, letters, measured):
    installation = install("welfare", EMAIL_URL=letters.url)
    people = [f"person{number}" for number in range(2 * AT_ONCE)]
    for name in people:
        wants(installation, name, [Kind.NEUROCAGE])
    raise_concern(installation, "disk")
    letters.may_answer.clear()
    kick_until(installation, SEND, lambda: letters.got, "some letters are with the mail server")
    installation.valkey.stop(30)
    letters.may_answer.set()
    # Redis only carries the word that something is due. What is begun goes on without it.
    wait_for(lambda: len(letters.got) == len(people), PATIENCE, "the others are sent")
    assert sorted(name for name, _ in letters.got) == people

    # A concern that comes meanwhile is told when Redis is back.
    raise_concern(installation, "backup")
    installation.valkey.start()
    back = time.monotonic()
    kick_until(
        installation,
        SEND,
        lambda: len(letters.got) == 2 * len(people),
        "the second letters arrive",
    )
    measured("from Redis' return to the last letter", time.monotonic() - back)
    wait_for(lambda: sent(installation) == 2 * len(people), PATIENCE, "all are noted")
    for _ in range(2):
        kick(installation, SEND)
    time.sleep(5)
    assert sorted(name for name, _ in letters.got) == sorted(2 * people)
    assert not any("may be a repeat" in letter for _, letter in letters.got)
    assert installation.dead() == []


def test_a_receiver_that_hangs_keeps_no_letter_waiting_and_is_told_of(
    install, settable_clock, letters
):
    installation = install("welfare", "web", EMAIL_URL=letters.url, NOTICES_ALLOW_PRIVATE=1)
    with Hanging() as receiver:
        channel = add_channel(installation, "Night chat", receiver.address)
        # Those of the channel are sent first, and are many more than are sent at once.
        for number in range(8 * AT_ONCE):
            wants(installation, f"chat{number}", [Kind.BAD_LONG], channel)
        wants(installation, "vera", [Kind.BAD_LONG])
        wants(installation, "ruth", [Kind.NEUROCAGE])
        raise_concern(installation, "cage:1", Kind.BAD_LONG)
        tasks = kick_until(
            installation, SEND, lambda: letters.to("vera"), "the letter is not kept waiting"
        )
        assert receiver.accepted
        # Of those before it in the queue only the first ones of each task have cost their deadline.
        tried = "SELECT count(*) FROM welfare_delivery WHERE channel_id = %s AND tries > 0"
        assert installation.rows(tried, channel)[0][0] <= tasks * 2 * AT_ONCE

        hung = "SELECT count(*) FROM welfare_delivery WHERE failure = 'timeout' AND tries >= %s"
        kick_until(
            installation,
            SEND,
            lambda: installation.rows(hung, 1)[0][0] >= AT_ONCE,
            "its tries fail",
        )
        settable_clock.step(PAUSE_MINUTES[0] * 60)
        kick_until(
            installation, SEND, lambda: installation.rows(hung, 2)[0][0], "it fails a second time"
        )
        browser = signed_in(installation)
        page = browser.get(f"{installation.web_url}/ops/", timeout=10).text
        assert "Night chat: no answer in time" in page
        subjects = "SELECT 1 FROM welfare_concern WHERE subject = %s"
        kick_until(
            installation,
            SEND,
            lambda: installation.rows(subjects, f"channel:{channel}"),
            "it is a concern",
        )
        settable_clock.step(COLLECTS_FOR_MINUTES * 60)
        kick_until(installation, SEND, lambda: letters.to("ruth"), "the administrator has a letter")
        assert len(letters.to("ruth")) == len(letters.to("vera")) == 1
        browser.close()
    assert installation.dead() == []
