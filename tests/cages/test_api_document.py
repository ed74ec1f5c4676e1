"""The API answers as its own document says, for requests that are made up from that document."""

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from cages.api.routes import api
from cages.models import Health, Outcome
from people.models import ApiToken
from tests.factories import at, make_cage, make_user, record_minutes, slot

NOW = at("07:10:30")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
# Requests to each address.
EXAMPLES = 20
# A time that is after another one fits the document and is refused, so these do not ask whether
# what fits is taken.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.ignored_auth,
]
PATHS = sorted(api.get_openapi_schema()["paths"])


@pytest.fixture
def _kept_connection():
    """Requests leave the connection of the test open, as with Django's own client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def schema(db, clock, _kept_connection):
    """The document, as a program with a token reads it."""
    person = make_user("ruth")
    cage = make_cage("Colony", person, id=1)
    record_minutes(cage, slot("07:00"), [Health.BAD, Outcome.TIMEOUT, None, Health.OK])
    _token, secret = ApiToken.objects.issue(person, "document", NOW)
    return schemathesis.openapi.from_wsgi(
        reverse("api:openapi"),
        app=get_wsgi_application(),
        headers={"Authorization": f"Bearer {secret}", "Host": "localhost"},
    )


@pytest.mark.parametrize("path", PATHS)
def test_each_address_answers_as_the_document_says(schema, path):
    operation = schema[path]["GET"]

    @settings(
        max_examples=EXAMPLES,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def answers(case):
        # A token has so many units a minute, and the minute of this test does not end.
        cache.clear()
        case.call_and_validate(checks=CHECKS)

    answers()
