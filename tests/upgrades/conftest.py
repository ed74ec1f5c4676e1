"""A database beside the test's own, and how a dump gets into it."""

import os

import psycopg2
import pytest
from django.db import connection

NAME = "upgraded"


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


def restore(dump, url):
    """Bring the dump (a Path) into the empty database."""
    link = psycopg2.connect(url)
    with link, link.cursor() as cursor:
        cursor.execute(dump.read_text())
    link.close()
