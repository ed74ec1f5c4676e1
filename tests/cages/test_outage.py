"""What pages and /readyz say while the database or Redis answers, but refuses to write."""

import pytest
from django.db import connection, transaction
from django.urls import reverse

from cages.operations import outage
from neurocage import redis_server
from tests.pages import text_of


@pytest.mark.django_db
def test_readyz_is_503_while_redis_refuses_to_write(client):
    def redis_problem():
        return client.get(reverse("readyz")).json()["problems"].get("redis")

    assert redis_problem() is None
    with redis_server.connect() as redis:
        redis.config_set("min-replicas-to-write", "1")
        try:
            assert redis_problem() == "Redis refuses to write."
        finally:
            redis.config_set("min-replicas-to-write", "0")
    assert redis_problem() is None


def test_a_page_that_cannot_be_saved_in_a_read_only_database_is_503(browser):
    browser.raise_request_exception = False
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        response = browser.post(reverse("cage-create"), {"label": "New"})
        transaction.set_rollback(True)
    assert response.status_code == 503
    assert "The database is read-only." in text_of(response)


def test_what_others_write_into_redis_is_no_outage():
    for text in ("", "[]", "{}", '{"cause": "of mine", "words": "", "since": "2026-03-02"}'):
        with redis_server.connect() as redis:
            redis.set(outage.KEY, text, ex=60)
        assert outage.told() is None
    outage.tell_the_end()
