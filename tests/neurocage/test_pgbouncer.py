"""Everything works through a real PgBouncer in transaction mode.

There, the statements of one client go to another connection of PostgreSQL after each transaction.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from local_stack.config import BASE_DIR, child_environment
from local_stack.ports import free_port
from local_stack.unprivileged import command_prefix
from tests.processes import wait_for

pytestmark = pytest.mark.long
NAME = "through_pgbouncer"
# Six people at once share three connections.
PEOPLE, CONNECTIONS = 6, 3
SETTINGS = """
[databases]
{name} = host={host} port={port} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {connections}
logfile = {folder}/log
"""
DAY = "from=2026-03-01&to=2026-03-02"
PAGES = (
    *("/cages/", "/cages/new/", "/cages/1/", "/cages/1/edit/", "/racks/", "/ops/"),
    *(f"/cages/1/history/?{DAY}", f"/cages/export/file/?which=all&{DAY}", "/admin/cages/cage/"),
    *("/cages/compare/?cage=1&cage=2&span=30d", "/admin/cages/cage/1/change/"),
)
USE = f"""
import re
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from django.core.management import call_command
from django.test import Client
from cages.models import Cage
from neurocage.ids import advance_ids
from tests.factories import make_cage, make_user
call_command("migrate", verbosity=0)
call_command("setup_storage")
people = [make_user(is_superuser=True) for _ in range({PEOPLE})]
for cage_id in range(1, 4):
    make_cage(id=cage_id, owner=people[0])
advance_ids(Cage)
call_command("check", databases=["default"])
call_command("check_ledger", since="1d")

def use(person):
    client = Client(headers={{"host": "localhost"}})
    client.force_login(person)
    for page in {PAGES} * 3:
        response = client.get(page)
        # An export beyond the limit leads back to its form.
        assert response.status_code in (200, 302), page
        response.getvalue()
    page = client.post("/tokens/", {{"name": "script"}}).content.decode()
    token = re.search("nc_[-_A-Za-z0-9]{{43}}", page)[0]
    headers = {{"Authorization": "Bearer " + token, "host": "localhost"}}
    assert client.get("/api/v1/cages", headers=headers).status_code == 200
    form = {{"label": "New", "owner": person.pk}}
    assert client.post("/cages/new/", form).status_code == 302

with ThreadPoolExecutor({PEOPLE}) as pool:
    list(pool.map(use, people))
from people.models import Change
for person in people:
    made = Change.objects.filter(by=person.username, through="POST cage-create")
    assert [(one.table, one.person_id) for one in made] == [("cages_cage", person.pk)], made
"""


@pytest.fixture
def through_pgbouncer(tmp_path):
    """The URL of an empty database, by way of PgBouncer."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        said = "PgBouncer is not installed: its transaction mode was NOT tested"
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)
    url = os.environ["DATABASE_URL"]
    server = urlsplit(url)
    port = free_port()
    (tmp_path / "users.txt").write_text(f'"{server.username}" "{server.password}"\n')
    (tmp_path / "pgbouncer.ini").write_text(
        SETTINGS.format(
            name=NAME, host=server.hostname, port=server.port, listen_port=port, folder=tmp_path,
            connections=CONNECTIONS,
        )
    )  # fmt: skip
    _run(url, f"CREATE DATABASE {NAME}")
    # Like PostgreSQL, it refuses to run as root.
    prefix = command_prefix(Path(program), tmp_path)
    command = [*prefix, program, str(tmp_path / "pgbouncer.ini")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"postgresql://{server.username}:{server.password}@127.0.0.1:{port}/{NAME}"
    try:
        assert wait_for(lambda: _answers(address) or process.poll() is not None)
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield address
    finally:
        process.terminate()
        process.wait(60)
        _run(url, f"DROP DATABASE {NAME} WITH (FORCE)")


def _run(url, statement):
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def _answers(url):
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True


def test_everything_works_through_a_pgbouncer_in_transaction_mode(through_pgbouncer):
    done = subprocess.run(
        [sys.executable, "-c", USE],
        env=child_environment(DATABASE_URL=through_pgbouncer),
        cwd=BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
