"""One person asks for much at once: exports that nobody reads, and a form sent twice."""

import contextlib
import re
import socket
import threading
import time

import pytest
import requests

from tests.faults.installation import USERNAME, signed_in, status_of, wait_for

pytestmark = pytest.mark.faults

OTHER = "stefan"
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


class Person:
    """A person who is signed in; may be used by many threads at the same time."""

    def __init__(self, installation, username):
        session = signed_in(installation, username)
        self.url = installation.web_url
        self.address = ("127.0.0.1", installation.web_port)
        self.cookies = session.cookies.get_dict()
        self.token = self.cookies["csrftoken"]

    def get(self, path):
        return requests.get(f"{self.url}{path}", cookies=self.cookies, timeout=60)

    def post(self, path, files=None, **form):
        form = {"csrfmiddlewaretoken": self.token, **form}
        address, options = f"{self.url}{path}", {"cookies": self.cookies, "allow_redirects": False}
        return requests.post(address, data=form, files=files, timeout=60, **options)

    def ask_and_never_read(self, path):
        """A socket on which the page was asked for."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(self.address)
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n\r\n"
        connection.sendall(head.encode())
        return connection


def test_receivers_that_never_read_give_their_export_up(installation, measured):
    greedy, other = Person(installation, USERNAME), Person(installation, OTHER)
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
    person = Person(installation, USERNAME)
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
