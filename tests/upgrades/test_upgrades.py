"""A database of each version since 1.0 can be brought up to date, and its pages read."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from local_stack.config import BASE_DIR, child_environment
from tests.cages.test_storage import ON_TIMESCALEDB

DUMPS = sorted(Path(__file__).parent.glob("*.sql"))
NAME = "upgraded"
UPGRADE_AND_LOOK = """
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", skip_checks=False, verbosity=0)
call_command("setup_storage")
from django.test import Client
from cages.models import Cage, Poll
client = Client(headers={"host": "localhost"})
client.force_login(get_user_model().objects.get(username="ruth"))
cage = Cage.objects.order_by("label").first()
page = client.get(f"/cages/{cage.pk}/history/?from=2026-03-02")
print(page.status_code, cage.label in page.text, Poll.objects.answered().filter(cage=cage).count())
"""


@pytest.fixture
def empty_database(transactional_db):
    """The URL of a new database beside the test's own; it goes with its server."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME}_{os.getpid()}")
        cursor.execute(f"CREATE DATABASE {NAME}_{os.getpid()}")
    settings = connection.settings_dict
    yield (
        f"postgresql://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:"
        f"{settings['PORT']}/{NAME}_{os.getpid()}"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {NAME}_{os.getpid()}")


@pytest.mark.skipif(ON_TIMESCALEDB, reason="its server has one database")
@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
def test_a_database_of_an_earlier_version_is_brought_up_to_date(empty_database, dump):
    link = psycopg2.connect(empty_database)
    with link, link.cursor() as cursor:
        cursor.execute(dump.read_text())
    link.close()
    done = subprocess.run(
        [sys.executable, "-c", UPGRADE_AND_LOOK],
        env=child_environment(DATABASE_URL=empty_database),
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "200 True 2"
