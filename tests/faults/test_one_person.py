"""One person asks for much at once, and another is answered all the same."""

import contextlib
import re
import threading
import time

import pytest

from tests.factories import PASSWORD
from tests.faults.installation import USERNAME, status_of
from tests.faults.people import ACTS, Person, again_and_again
from tests.processes import PATIENCE, wait_for

pytestmark = pytest.mark.faults

OTHER = "stefan"
# Asked for by the other person beside each thing that takes long.
PAGES = 5
NEW_PERSON = """
INSERT INTO people_user (username, key, sort_key, password, is_active, is_staff, is_superuser,
                         first_name, last_name, email, date_joined)
SELECT %s, %s, %s, password, true, true, false, '', '', '', now() FROM people_user
WHERE username = %s RETURNING id
"""


@pytest.fixture
def installation(install):
    """Pages of cages that are ten years old and whose sensors never answer."""
    installation = install(latency=(3600, 3600))
    installation.rows(NEW_PERSON, OTHER, OTHER, OTHER, USERNAME)
    installation.rows("UPDATE cages_cage SET created_at = now() - '11 years'::interval RETURNING 1")
    installation.start_process("web")
    return installation


def person_of(installation, username):
    wait_for(lambda: status_of(installation, "/healthz") == 200, PATIENCE, "the pages answer")
    return Person(installation.web_port, username, PASSWORD)


def test_another_is_answered_whatever_one_person_does(installation):
    """How quick the answers are, `python -m bench.one_person` measures."""
    other, greedy = person_of(installation, OTHER), person_of(installation, USERNAME)
    for act, count in ACTS.items():
        with again_and_again(act, greedy, count):
            assert [other.get("/cages/").status_code for _ in range(PAGES)] == [200] * PAGES


def test_receivers_that_never_read_give_their_export_up(installation, measured):
    greedy, other = person_of(installation, USERNAME), person_of(installation, OTHER)
    path = "/cages/export/file/?which=all&kind=readings&from=2017-01-01&to=2026-11-26"
    with contextlib.ExitStack() as sockets:
        for _ in range(6):
            sockets.enter_context(greedy.ask_and_never_read(path))
        hourly = "/cages/export/file/?cage=1&kind=hourly&from=2026-11-25"
        refused = wait_for(lambda: (a := greedy.get(hourly)).history and a, 20, "one is running")
        assert "An export of yours is running" in refused.text
        assert not other.get(hourly).history
        began = time.monotonic()
        wait_for(lambda: not greedy.get(hourly).history, 90, "the export was given up", every=1)
        measured("until an export that nobody reads is given up", time.monotonic() - began)
    assert status_of(installation, "/healthz") == 200


def test_a_double_click_makes_one_cage(installation):
    person = person_of(installation, USERNAME)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', person.get("/cages/new/").text)
    person.token = token[1]
    ((owner,),) = installation.rows("SELECT id FROM people_user WHERE username = %s", USERNAME)
    found = []

    def click():
        found.append(person.post("/cages/new/", id=900, label="Twice", owner=owner))

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert [answer.status_code for answer in found] == [302, 302]
    assert len({answer.headers["Location"] for answer in found}) == 1
    assert installation.rows("SELECT count(*) FROM cages_cage WHERE label = 'Twice'") == [(1,)]
