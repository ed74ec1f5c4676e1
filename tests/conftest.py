"""Fixtures for all tests: the database, people and their browsers."""

import os
from io import StringIO

import hypothesis
import hypothesis.configuration
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models.signals import post_migrate
from django.test import Client, override_settings
from django.utils import translation

from cages.models import MarkKind
from cages.models.mark import BuiltIn
from tests.factories import FIRST_ID, kind_of, make_user
from tests.mail_server import mail_server

# What Hypothesis keeps between two runs stays out of the project.
hypothesis.configuration.set_hypothesis_home_dir(settings.STATE_DIR.parent / "hypothesis")
hypothesis.settings.register_profile(
    "neurocage",
    # Always the same examples, so that a run can be repeated.
    derandomize=True,
    database=None,
    # A machine may be slow.
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("neurocage")

ON_TIMESCALEDB = os.environ.get("TEST_STORAGE") == "timescaledb"


MARKERS = (
    "storage: touches the storage's SQL, so `TEST_STORAGE=timescaledb pytest -m storage` runs it "
    "on a real TimescaleDB as well",
    "long: waits for much of its time, so its file is started before all others",
    "faults: takes minutes, since it lets something go wrong for as long as it really would; "
    "`make test-faults` runs these side by side",
)


def pytest_configure(config):
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first, so that with several workers none of them is left for the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def _quick_people():
    with override_settings(
        # The real hasher takes a third of a second for each person, on purpose.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        # Otherwise every test client starts by listing all static files.
        WHITENOISE_AUTOREFRESH=True,
    ):
        yield


@pytest.fixture(autouse=True)
def _english():
    """A request leaves its language to what its thread does next."""
    translation.activate(settings.LANGUAGE_CODE)


# Of all tables. What is above it stays there, since rows have those ids.
RAISE_IDS = """
    SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, %s, false)
    FROM pg_sequences WHERE schemaname = current_schema() AND coalesce(last_value, 0) < %s
"""


def prepare_tables(sender, using, **_told):
    """Add the built-in kinds again, and let the database give out ids that no test chooses.

    Django says this after a test that empties the tables, too.
    """
    if sender.name == "cages":
        with connections[using].cursor() as cursor:
            cursor.execute(RAISE_IDS, [FIRST_ID, FIRST_ID])
        tables = connections[using].introspection.table_names()
        if MarkKind._meta.db_table in tables:
            for code in BuiltIn:
                kind_of(code)


post_migrate.connect(prepare_tables)


def migrate() -> None:
    """What an installation does at each start."""
    call_command("migrate", verbosity=0)
    set_up_storage()


def set_up_storage() -> None:
    call_command("setup_storage", "--layout-only", stdout=StringIO())


if ON_TIMESCALEDB:

    @pytest.fixture(scope="session")
    def django_db_setup(django_test_environment, django_db_blocker):
        """Use the database of the test server. It is deleted with the server."""
        with django_db_blocker.unblock():
            migrate()

else:

    @pytest.fixture(scope="session")
    def django_db_setup(django_db_setup, django_db_blocker):
        """Django's own test database, which is migrated, with its storage set up."""
        with django_db_blocker.unblock():
            set_up_storage()


@pytest.fixture(scope="module")
def module_database(django_db_setup, django_db_blocker):
    """The database, for what all tests of a module read. It forgets everything at their end.

    A test that changes something asks for `db` as well, and the database forgets that at its end.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def user(db):
    return make_user("ruth")


@pytest.fixture
def staff(db):
    return make_user("stefan", is_staff=True)


@pytest.fixture
def administrator(db):
    return make_user("ada", is_superuser=True)


@pytest.fixture
def letters(settings):
    """What arrives at the mail server that EMAIL_URL names."""
    with mail_server() as (kept, settings.EMAIL_URL):
        yield kept


@pytest.fixture
def client_of():
    """Return a function that gives a test client in which the person is signed in."""

    def sign_in(person):
        client = Client()
        client.force_login(person)
        return client

    return sign_in


@pytest.fixture
def browser(client_of, user):
    """A test client in which `user` is signed in."""
    return client_of(user)


@pytest.fixture
def clock(request, monkeypatch):
    """clock(moment): what time it is from now on; NOW of the test's module at first."""

    def set_clock(moment):
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)

    set_clock(request.module.NOW)
    return set_clock


@pytest.fixture
def storage_of_its_own(transactional_db):
    """Use a database of its own, because roll-ups stay when the tests empty the hypertable.

    On plain PostgreSQL they are views, which only have to be as they were.
    """
    yield
    if ON_TIMESCALEDB:
        call_command("migrate", "cages", "zero", verbosity=0)
        migrate()
    else:
        set_up_storage()
