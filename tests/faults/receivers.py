"""Where notices of a scenario go, and the ground on which concerns are raised."""

import asyncio
import contextlib
import math
import subprocess
import sys
import threading
import time

import psycopg2
from aiosmtpd.controller import Controller

from local_stack.config import BASE_DIR, child_environment
from local_stack.ports import free_port
from neurocage.celery import app
from tests.processes import PATIENCE, wait_for
from welfare.notices import channels

SEND, JUDGE, JUDGE_REST = "send_notices", "judge_slot", "judge_unjudged"
# As beat gives them.
KICKS_EVERY_SECONDS = 60
QUEUES = {SEND: "notices", JUDGE: "judge", JUDGE_REST: "judge"}
WISH = """
    WITH person AS (
        INSERT INTO people_user (username, email, password, is_superuser, is_staff, is_active,
                                 first_name, last_name, date_joined, key, sort_key)
        VALUES (%(name)s, %(email)s, '', true, true, true, '', '', now(), %(name)s, %(name)s)
        ON CONFLICT (username) DO UPDATE SET email = excluded.email
        RETURNING id
    )
    INSERT INTO welfare_wish (person_id, kinds, by_mail, channel_id, wakes_on_duty, language)
    SELECT id, %(kinds)s::varchar[], %(channel)s::bigint IS NULL, %(channel)s, true, 'en'
    FROM person
"""
CHANNEL = """
    INSERT INTO welfare_channel (name, address, is_on, made_at)
    VALUES (%s, %s, true, now()) RETURNING id
"""


class Letters:
    """A real mail server. While `may_answer` is not set it has a letter and does not say so."""

    def __init__(self):
        self.got, self.may_answer = [], threading.Event()
        self.may_answer.set()
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self.url = f"smtp://127.0.0.1:{self._controller.port}"

    async def handle_DATA(self, server, session, envelope):
        letter = envelope.content.decode()
        if "A drill is due" in letter:
            return "250 OK"
        self.got.append((envelope.rcpt_tos[0].split("@")[0], letter))
        while not self.may_answer.is_set():
            await asyncio.sleep(0.05)
        return "250 OK"

    def to(self, name):
        return [letter for person, letter in self.got if person == name]

    def __enter__(self):
        self._controller.start()
        return self

    def __exit__(self, *_):
        self.may_answer.set()
        self._controller.stop()


def execute(installation, statement, values):
    """Change the database as an administrator would have; returns the rows, if there are any."""
    with contextlib.closing(psycopg2.connect(installation.postgres.url)) as database:
        database.autocommit = True
        cursor = database.cursor()
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def wants(installation, name, kinds, channel=None):
    """Make a person who sees everything and wants to be told, by mail or by the channel."""
    values = {
        "name": name,
        "email": f"{name}@example.org",
        "kinds": [kind.value for kind in kinds],
        "channel": channel,
    }
    execute(installation, WISH, values)


def add_channel(installation, name, address):
    """As the page does, which lets Apprise read the address first."""
    wait_for(lambda: channels.can_be_read(address), PATIENCE, "Apprise reads the address")
    return execute(installation, CHANNEL, (name, address))[0][0]


def kick(installation, task, *arguments):
    """Give the worker a task, as beat or the recorder does."""
    with app.connection_for_write(installation.valkey.url) as connection:
        app.send_task(f"welfare.tasks.{task}", arguments, connection=connection, queue=QUEUES[task])


def kick_until(installation, task, condition, what):
    """Give the worker a task now and each minute, until the condition holds.

    A task may leave the rest to the next one, and a try that failed comes again. Returns how many
    tasks were given.
    """
    kicked, kicks = -math.inf, 0

    def holds():
        nonlocal kicked, kicks
        if time.monotonic() - kicked > KICKS_EVERY_SECONDS:
            kick(installation, task)
            kicked, kicks = time.monotonic(), kicks + 1
        return condition()

    wait_for(holds, PATIENCE, what)
    return kicks


def write_minutes(installation, count, *runs):
    """See tests.faults.minutes. Returns the last slot in seconds since 1970."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.minutes", str(count), *runs],
        env=child_environment(
            DATABASE_URL=installation.postgres.url,
            REDIS_URL=installation.valkey.url,
            DJANGO_SETTINGS_MODULE="neurocage.settings",
            **installation.clock.environment,
        ),
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])
