"""One person does what takes long, as often as they can, and the pages of another stay quick."""

import contextlib
import itertools
import re
import socket
import statistics
import threading
import time

import pytest
import requests

from tests.faults.installation import CAGES, USERNAME, signed_in, status_of, wait_for

pytestmark = pytest.mark.faults

OTHER = "stefan"
# How many times as long the 95th of 100 pages may take as while nobody else is there.
MOST_TIMES = 3
# Below this, whatever else the machine does decides.
LEAST_SECONDS = 0.1
PAGES = 20
PAUSE_SECONDS = 1
NEW_PERSON = """
INSERT INTO people_user (username, key, sort_key, password, is_active, is_staff, is_superuser,
                         first_name, last_name, email, date_joined)
SELECT %s, %s, %s, password, true, true, false, '', '', '', now() FROM people_user
WHERE username = %s RETURNING id
"""
NUMBERS = itertools.count()


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


def test_sensor(person):
    return person.post(f"/cages/{next(NUMBERS) % len(CAGES) + 1}/test-sensor/")


def see_ten_years(person):
    days = "from=2017-01-01&to=2026-11-26"
    return person.get(f"/cages/{next(NUMBERS) % len(CAGES) + 1}/history/?{days}")


def export_a_year(person):
    return person.get("/cages/export/file/?which=all&kind=hourly&from=2025-12-01&to=2026-11-26")


def import_a_file(person):
    rows = "label,room\n" + "".join(f"L{number},R\n" for number in range(10_000))
    return person.post("/cages/import/", files={"file": ("cages.csv", rows)})


def see_the_list(person):
    return person.get("/cages/")


def sign_in_wrongly(person):
    form = {"csrfmiddlewaretoken": person.token, "username": "x", "password": str(next(NUMBERS))}
    cookies = {"csrftoken": person.token}
    address = f"{person.url}/accounts/login/"
    return requests.post(address, data=form, cookies=cookies, timeout=60)


ACTS = {
    test_sensor: 20,
    see_ten_years: 16,
    export_a_year: 6,
    import_a_file: 4,
    see_the_list: 20,
    sign_in_wrongly: 20,
}
for act in ACTS:
    act.__test__ = False


@contextlib.contextmanager
def again_and_again(act, person, count):
    """Do it in so many threads while the block runs. Yields a list of the status codes."""
    ended, statuses = threading.Event(), []

    def run():
        while not ended.is_set():
            with contextlib.suppress(requests.RequestException):
                statuses.append(act(person).status_code)
            # As the page says that is shown to them.
            ended.wait(PAUSE_SECONDS)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def timed(person):
    """The seconds that each of some pages takes."""
    seconds = []
    for _ in range(PAGES):
        began = time.monotonic()
        assert person.get("/cages/").status_code == 200
        seconds.append(time.monotonic() - began)
    return seconds


def p95(seconds):
    return statistics.quantiles(seconds, n=20)[-1]


@pytest.mark.xfail(
    reason="open: beside lists or an export up to 4 times on two cores", strict=False
)
def test_the_pages_of_another_stay_quick(installation, measured):
    other, greedy = Person(installation, OTHER), Person(installation, USERNAME)
    timed(other)
    alone, beside = [], {act: [] for act in ACTS}
    for act, count in ACTS.items():
        # In turns, so that both meet the same machine.
        alone += timed(other)
        with again_and_again(act, greedy, count) as statuses:
            beside[act] += timed(other)
        assert statuses
        assert set(statuses) <= {200, 302, 429}, act
    measured("p95 of a page, alone", p95(alone) * 1000, "ms")
    for act, seconds in beside.items():
        measured(f"p95 of a page, beside {act.__name__}", p95(seconds) * 1000, "ms")
    allowed = MOST_TIMES * max(p95(alone), LEAST_SECONDS)
    slow = {act.__name__: p95(seconds) for act, seconds in beside.items() if p95(seconds) > allowed}
    assert not slow, allowed


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
