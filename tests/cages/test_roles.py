"""The role that runs Neurocage does all of its work, and nothing that its owner alone may do."""

import contextlib
from datetime import timedelta

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from cages.checks import database_is_usable
from cages.models import Cage, CageEvent, CageState, EventKind, Poll, Room
from cages.storage import purge, roles
from people.models import Act, Change, SignInAct, User
from tests.cages.test_storage import ON_TIMESCALEDB
from tests.factories import at, make_cage, make_user, record_minute, slot
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.conditions import Case, Conditions
from welfare.models import Act as Trail
from welfare.models import Concern, Finding, Kind, TrailEntry

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


@pytest.fixture
def found(db):
    """A concern with a finding of vera's, a move of its cage, and two sign-in acts of hers."""
    vera = make_user("vera")
    cage = make_cage()
    concern = make_concern(cage)
    desk.find(concern.pk, vera, Finding.SICK, "Bruised", at("07:10"))
    CageEvent.objects.note(EventKind.PAUSED, [cage], at("07:10"), vera)
    for days in (1, 401):
        moment = timezone.now() - timedelta(days=days)
        SignInAct.objects.create(person=vera, name="vera", act=Act.SIGNED_IN, at=moment)
    return concern


WRITTEN_ONCE = [
    "UPDATE welfare_trailentry SET finding = 'normal' WHERE finding = 'sick'",
    "UPDATE welfare_trailentry SET person_id = NULL, by = 'nobody'",
    "UPDATE welfare_trailentry SET person_id = (SELECT max(id) FROM people_user)",
    "DELETE FROM welfare_trailentry",
    "TRUNCATE welfare_trailentry",
    "UPDATE cages_cageevent SET at = now()",
    "DELETE FROM cages_cageevent",
    "UPDATE people_signinact SET address = '10.0.0.1'",
    "DELETE FROM people_signinact",
    "ALTER TABLE welfare_trailentry DISABLE TRIGGER people_refuse_update",
    "DROP FUNCTION people_refuse_change CASCADE",
]


@pytest.mark.parametrize("statement", WRITTEN_ONCE)
def test_what_people_did_is_written_once(granted, found, statement):
    refused = pytest.raises(ProgrammingError, match="permission denied|must be owner")
    with running() as cursor:
        # A table of its own says nothing of purges.
        cursor.execute("CREATE TEMPORARY TABLE cages_cage AS TABLE cages_cage")
        cursor.execute("UPDATE cages_cage SET purge_ordered_at = now()")
        with refused, transaction.atomic():
            cursor.execute(statement)


def test_a_finding_that_is_changed_is_noted_with_what_it_was(granted, found):
    with running() as cursor:
        cursor.execute("UPDATE welfare_concern SET finding = 'normal', held_since = now()")
    change = Change.objects.filter(table="welfare_concern").newest_first()[0]
    assert (change.role, change.before, change.after) == (
        roles.rights(connection).name,
        {"finding": "sick"},
        {"finding": "normal"},
    )


def test_it_judges_and_sends_and_what_people_do_at_the_desk_is_noted(granted, found):
    vera = User.objects.get(username="vera")
    noted = Change.objects.count()
    with running():
        conditions = Conditions([Kind.BAD_LONG], at("07:20"))
        conditions.end(Kind.BAD_LONG, found.subject, slot("07:15"))
        case = Case(Kind.BAD_LONG, found.subject, None, at("07:20"), cage_id=found.cage_id)
        conditions.begin(case, slot("07:20"))
        conditions.write()
        again = Concern.objects.open().get()
        desk.note(again, Trail.TOLD, at("07:21"), text="vera (mail)")
        assert Change.objects.count() == noted
        desk.comment(again.pk, vera, "Still so", at("07:22"))
    change = Change.objects.newest_first()[0]
    assert (change.table, change.words) == ("welfare_trailentry", "commented")
    assert (change.after["text"], change.after["by"]) == ("Still so", "vera")


def test_a_purge_and_the_end_of_an_account_take_what_is_theirs_and_the_record_keeps_it(
    granted, found, client_of
):
    administrator = make_user("ada", is_superuser=True)
    cage, vera = found.cage, User.objects.get(username="vera")
    with running():
        address = reverse("admin:people_user_delete", args=[vera.pk])
        assert client_of(administrator).post(address, {"post": "yes"}).status_code == 302
        entry = found.trail.get(act="found")
        assert (entry.person, entry.by) == (None, "vera")
        assert SignInAct.objects.filter(name="vera", person=None).count() == 2
        assert SignInAct.objects.delete_old(timezone.now()) == 1
        cage.archive(at("08:00"))
        cage.order_purge(at("08:00"))
        while purge.step(cage.pk, at("09:00")) is not None:
            pass
    assert not TrailEntry.objects.exists()
    assert not CageEvent.objects.exists()
    gone = Change.objects.filter(verb="deleted")
    assert gone.get(table="welfare_concern").before["finding"] == "sick"
    assert gone.get(table="welfare_trailentry", words="found").before["text"] == "Bruised"
    kinds = set(gone.filter(table="cages_cageevent").values_list("words", flat=True))
    assert kinds == {"paused", "archived"}


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
