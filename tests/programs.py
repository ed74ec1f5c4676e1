"""Programs that call the API, for its tests, and how they read its answers."""

import itertools
from datetime import UTC

from django.test import Client
from django.urls import reverse

from people.models import ApiToken
from tests.factories import at

NOW = at("07:10:30")
WHOLE = {"from": "2026-03-02T07:00", "to": "2026-03-02T08:00"}
SERIES = ("readings", "requests", "hourly")

_numbers = itertools.count(1)


def caller_of(person, **options):
    """A program with a token of the person."""
    _token, secret = ApiToken.objects.issue(person, f"token {next(_numbers)}", NOW)
    headers = {"Authorization": f"Bearer {secret}", **options.pop("headers", {})}
    return Client(headers=headers, **options)


def address(name, **query):
    return reverse(f"api:{name}", query=query)


def get(caller, name, **query):
    """The page that the API answers with."""
    response = caller.get(address(name, **query))
    assert response.status_code == 200, response.content
    return response.json()


def refusal(response, status):
    """The sentence of an answer with this status."""
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    answer = response.json()
    assert list(answer) == ["detail"]
    return answer["detail"]


def walk(caller, name, **query):
    """Every item, from page to page as `next` leads."""
    items, following = [], address(name, **query)
    while following:
        page = caller.get(following).json()
        items += page["items"]
        following = page["next"]
        assert following is None or following.startswith("http://testserver/api/v1/")
    return items


def as_utc(moment):
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
