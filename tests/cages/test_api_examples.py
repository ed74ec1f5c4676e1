"""The examples of what to do with a token: programs that really run."""

import html
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cages.models import Health, Poll
from cages.slots import slot_of
from people.models import ApiToken
from tests.factories import MINUTE, at, make_cage, make_user, record_minutes
from tests.pages import text_of

NOW = at("07:10:30")
EXAMPLES = reverse("api-examples")
pytestmark = pytest.mark.django_db


def examples_of(response):
    """{name: the program}, as a person copies them."""
    parts = re.findall(
        r"<h3[^>]*>([^<]+)</h3>\s*<pre[^>]*>(.*?)</pre>", response.content.decode(), re.S
    )
    return {name: html.unescape(code) for name, code in parts}


@pytest.fixture
def facility(transactional_db, live_server, settings):
    """(the examples at a live server, the environment they run in, the last slots of yesterday)."""
    person = make_user("ruth")
    cage = make_cage(owner=person, id=100_007)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    slots = [slot_of(midnight) - count * MINUTE for count in (3, 2, 1)]
    record_minutes(cage, slots[0], [Health.OK, Health.BAD, Health.PERFECT, Health.OK])
    _token, secret = ApiToken.objects.issue(person, "notebook", timezone.now())
    settings.BASE_URL = live_server.url
    browser = Client()
    browser.force_login(person)
    examples = examples_of(browser.get(EXAMPLES))
    assert list(examples) == ["curl", "Python", "Python, as a pandas table", "R"]
    return examples, {**os.environ, "NEUROCAGE_TOKEN": secret, "NO_PROXY": "*"}, slots


def output_of(argv, environment):
    ended = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def expected(slots):
    words = zip(slots, (2, 1, 3), ("ok", "bad", "perfect"), strict=True)
    return [
        {
            "cage_id": 100_007,
            "slot": f"{s:%Y-%m-%dT%H:%M:%SZ}",
            "status": status,
            "status_label": label,
        }
        for s, status, label in words
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pages", ["cage=[100007]", "cage=[100007], limit=1"])
def test_the_python_example_reads_every_page(facility, pages):
    examples, environment, slots = facility
    program = examples["Python"].replace("cage=[100007]", pages)
    assert pages in program
    program += "\nimport json; print(json.dumps(readings))"
    assert output_of([sys.executable, "-c", program], environment) == expected(slots)


@pytest.mark.django_db(transaction=True)
def test_the_examples_run_for_a_cage_without_a_known_minute(facility):
    examples, environment, _slots = facility
    Poll.objects.all().delete()
    program = examples["Python"] + "\nimport json; print(json.dumps(readings))"
    assert output_of([sys.executable, "-c", program], environment) == []
    # There is neither pandas nor R here. A table without rows must still have its columns.
    assert (
        'columns=["cage_id", "slot", "status", "status_label"]'
        in examples["Python, as a pandas table"]
    )
    assert "if (length(readings))" in examples["R"]
    # R writes 100000 as 1e+05 unless it is told otherwise.
    assert "format, scientific = FALSE" in examples["R"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl on this machine")
def test_the_curl_example_reads_a_page(facility):
    examples, environment, slots = facility
    page = output_of(["sh", "-c", examples["curl"].replace("curl -G", "curl -sfG")], environment)
    assert page == {"items": expected(slots), "next": None}


def test_the_examples_are_about_a_cage_of_the_person_and_the_own_address(
    clock, client_of, user, settings
):
    settings.BASE_URL = "http://cages.test:8123"
    make_cage(id=3)
    make_cage(owner=user, id=5, archived_at=NOW)
    make_cage(owner=user, id=9)
    page = client_of(user).get(EXAMPLES)
    for name, code in examples_of(page).items():
        if "pandas" not in name:
            assert "http://cages.test:8123/api/v1" in code
            assert re.search(r"cage ?= ?(\[9\]|c\(9\)|9)", code)
            assert re.search(r"2026-03-01.*2026-03-02", code)
            assert "nc_" not in code


def test_the_examples_of_a_person_without_cages_are_there(client_of, user):
    assert "cage=1 " in examples_of(client_of(user).get(EXAMPLES))["curl"]


def test_the_programs_are_programs(client_of, user):
    examples = examples_of(client_of(user).get(EXAMPLES))
    compile("\n".join(code for name, code in examples.items() if "Python" in name), "", "exec")
    for opening, closing in ("()", "{}", "[]"):
        assert examples["R"].count(opening) == examples["R"].count(closing)
    assert max(map(len, "\n".join(examples.values()).splitlines())) <= 100


def test_every_address_of_the_document_is_on_the_page(client_of, user):
    browser = client_of(user)
    words = text_of(browser.get(EXAMPLES))
    for path in browser.get(reverse("api:openapi")).json()["paths"]:
        assert path.replace("{cage_id}", "1") in words
    assert "120 requests a minute" in words
    assert "at most 10,000, or 500 cages" in words
