"""A database of each version since 1.0 can be brought up to date, and its pages read."""

import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.config import BASE_DIR, child_environment
from tests.cages.test_storage import ON_TIMESCALEDB
from tests.upgrades.conftest import restore

DUMPS = sorted(Path(__file__).parent.glob("*.sql"))
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


@pytest.mark.skipif(ON_TIMESCALEDB, reason="its server has one database")
@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
def test_a_database_of_an_earlier_version_is_brought_up_to_date(empty_database, dump):
    restore(dump, empty_database)
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
