"""The worker that sends notices is killed between sending and noting."""

import asyncio
import contextlib
import threading
import time

import psycopg2
import pytest
from aiosmtpd.controller import Controller

from local_stack.ports import free_port
from neurocage.celery import app
from tests.faults.installation import USERNAME, wait_for
from welfare.models import Kind
from welfare.notices.sending import LOST_AFTER

pytestmark = pytest.mark.faults

TASK = "welfare.tasks.send_notices"
# As the judge would have left it, long enough ago that nothing is collected any more.
RAISED = """
    WITH concern AS (
        INSERT INTO welfare_concern (kind, subject, raised_slot, raised_at, since, is_since_known,
                                     facts, finding, ending, is_drill)
        VALUES (%s, 'disk', now(), now() - interval '4 min', now() - interval '4 min', false,
                '{}', '', '', false)
    )
    INSERT INTO welfare_wish (person_id, kinds, by_mail, wakes_on_duty, language)
    SELECT id, ARRAY[%s], true, true, 'en' FROM people_user WHERE username = %s
"""
ADDRESS = "UPDATE people_user SET email = 'ruth@example.org' WHERE username = %s"


class SlowServer:
    """A mail server that has a letter, and says so only when it is let go."""

    def __init__(self):
        self.got, self.may_answer = [], threading.Event()

    async def handle_DATA(self, server, session, envelope):
        letter = envelope.content.decode()
        if "A drill is due" in letter:
            return "250 OK"
        self.got.append(letter)
        while not self.may_answer.is_set():
            await asyncio.sleep(0.05)
        return "250 OK"


@pytest.fixture
def letters():
    server = SlowServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    server.url = f"smtp://127.0.0.1:{controller.port}"
    yield server
    server.may_answer.set()
    controller.stop()


def test_a_letter_is_repeated_at_most_once_and_says_so(install, letters, measured):
    installation = install("welfare1", EMAIL_URL=letters.url)
    kind = Kind.NEUROCAGE.value
    with contextlib.closing(psycopg2.connect(installation.postgres.url)) as database:
        database.autocommit = True
        cursor = database.cursor()
        cursor.execute(RAISED, [kind, kind, USERNAME])
        cursor.execute(ADDRESS, [USERNAME])

    def kick():
        with app.connection_for_write(installation.valkey.url) as connection:
            app.send_task(TASK, connection=connection, queue="notices")

    kick()
    wait_for(lambda: letters.got, 60, "the first letter is with the mail server")
    installation.kill("welfare1")
    killed = time.monotonic()
    letters.may_answer.set()
    installation.start_process("welfare2")
    time.sleep(LOST_AFTER.total_seconds())
    for _ in range(2):
        kick()
    wait_for(lambda: len(letters.got) == 2, 60, "the letter is sent again")
    measured("from the death of the worker to the repeat", time.monotonic() - killed)
    noted = "SELECT sent_at FROM welfare_delivery WHERE sent_at IS NOT NULL"
    wait_for(lambda: installation.rows(noted), 30, "it is noted")
    kick()
    time.sleep(5)
    assert ["may be a repeat" in letter for letter in letters.got] == [False, True]
