"""The role that runs Neurocage does all of its work, and nothing that its owner alone may do."""

import contextlib

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.urls import reverse

from cages.checks import database_is_usable
from cages.models import Cage, CageState, Poll, Room
from cages.storage import purge, roles
from people.models import Change
from tests.cages.test_storage import ON_TIMESCALEDB
from tests.factories import at, make_cage, make_user, record_minute, slot

ROLE, PASSWORD = "neurocage_test_app", "only-for-this-test"
pytestmark = pytest.mark.storage
REFUSED = [
    "UPDATE people_change SET by = 'nobody'",
    "DELETE FROM people_change",
    "INSERT INTO people_change (at, verb) VALUES (now(), 'added')",
    "TRUNCATE people_change",
    "TRUNCATE cages_poll CASCADE",
    "ALTER TABLE people_user DISABLE TRIGGER people_note_change",
    "DROP TRIGGER people_note_change ON cages_cage",
    "SET session_replication_role = replica",
    "CREATE TABLE mine (id int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DROP TABLE people_change",
    "CREATE ROLE mine",
    "UPDATE django_migrations SET app = 'x'",
    "DELETE FROM cages_retentionchange",
    "ALTER FUNCTION people_note_change() RENAME TO nothing",
]


@pytest.fixture
def granted(db, settings, capsys):
    """The role, made as `setup_storage` makes it; the database forgets it at the end."""
    settings.RUNNING_ROLE = (ROLE, PASSWORD)
    call_command("setup_storage", "--layout-only")
    assert f"The role {ROLE} has its rights." in capsys.readouterr().out


@contextlib.contextmanager
def running():
    """Everything within is done with the rights of the running role."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")
        try:
            yield cursor
        finally:
            if not connection.needs_rollback:
                cursor.execute("RESET ROLE")


@pytest.mark.parametrize("statement", REFUSED)
def test_it_is_refused_what_its_owner_alone_may_do(granted, statement):
    make_cage()
    refused = pytest.raises(ProgrammingError, match="permission denied|must be owner")
    with running() as cursor, refused, transaction.atomic():
        cursor.execute(statement)
    assert Change.objects.exists()


def test_it_polls_edits_and_purges_and_its_changes_are_noted(granted, client_of):
    owner = make_user("ruth", is_superuser=True)
    cage = make_cage("Old", owner=owner)
    with running():
        record_minute(cage, slot("07:00"))
        browser = client_of(owner)
        form = {"label": "New", "is_polled": "on", "owner": owner.pk, "room": "R2"}
        assert browser.post(reverse("cage-edit", args=[cage.pk]), form).status_code == 302
        for name in ("cage-list", "ops", "rack-index", "changes"):
            assert browser.get(reverse(name)).status_code == 200
        change = Change.objects.filter(table="cages_cage").newest_first()[0]
        assert (change.after["label"], change.by) == ("New", "ruth")
        Cage.objects.filter(pk=cage.pk).archive(at("08:00"))
        Cage.objects.get(pk=cage.pk).order_purge(at("08:00"))
        while purge.step(cage.pk, at("09:00")) is not None:
            pass
    assert not Poll.objects.exists()
    assert not CageState.objects.exists()
    assert not Cage.objects.exists()


@pytest.mark.skipif(not ON_TIMESCALEDB, reason="plain PostgreSQL has no chunks")
def test_it_writes_into_a_compressed_chunk_and_a_new_one(granted):
    cage = make_cage()
    record_minute(cage, slot("07:00"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT compress_chunk(show_chunks('cages_poll'))")
    with running():
        record_minute(cage, slot("07:01"))
        record_minute(cage, slot("07:01").replace(year=2025))
        assert Poll.objects.count() == 3
        Poll.objects.filter(slot=slot("07:00")).delete()
        assert Poll.objects.count() == 2


def test_the_grants_can_be_repeated_and_take_away_what_was_too_much(granted):
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON people_change TO {ROLE}")
        with running():
            assert roles.rights(connection).changes_what_was_noted
        roles.grant(connection)
        with running():
            assert not roles.rights(connection).is_too_much


def test_the_checks_tell_of_one_role_and_of_one_that_may_too_much(granted, settings):
    with running() as cursor:
        assert database_is_usable(None, ["default"]) == []
        cursor.execute("RESET ROLE")
        cursor.execute(f"GRANT UPDATE ON people_change TO {ROLE}")
        cursor.execute(f"SET ROLE {ROLE}")
        assert [one.id for one in database_is_usable(None, ["default"])] == ["cages.W008"]
    settings.RUNNING_ROLE = None
    assert [one.id for one in database_is_usable(None, ["default"])] == ["cages.W007"]


def test_an_owner_that_is_the_running_role_is_refused_by_name(db, settings):
    settings.RUNNING_ROLE = (roles.rights(connection).name, "")
    with pytest.raises(CommandError, match="name the same role"):
        call_command("setup_storage", "--layout-only")


@pytest.mark.skipif(ON_TIMESCALEDB, reason="that server has one session only")
def test_over_a_connection_of_its_own_it_changes_rows_and_not_what_was_noted(
    transactional_db, settings
):
    settings.RUNNING_ROLE = (ROLE, PASSWORD)
    Room.objects.create(name="North")
    roles.grant(connection)
    given = connection.settings_dict
    options = {"host": given["HOST"], "port": given["PORT"], "dbname": given["NAME"]}
    try:
        with contextlib.closing(psycopg2.connect(user=ROLE, password=PASSWORD, **options)) as own:
            own.autocommit = True
            with own.cursor() as cursor:
                cursor.execute("UPDATE cages_room SET name = 'South'")
                cursor.execute("SELECT role, before->>'name' FROM people_change ORDER BY id DESC")
                assert cursor.fetchone() == (ROLE, "North")
                for statement in REFUSED:
                    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                        cursor.execute(statement)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
