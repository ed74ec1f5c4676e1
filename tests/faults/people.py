"""People at the pages of an installation, and what one of them can do that takes long.

The benchmark of another person's pages uses this too, so it must not need Django.
"""

import contextlib
import itertools
import socket
import threading

import requests

PAUSE_SECONDS = 1
NUMBERS = itertools.count()
# Tests and the benchmark have at least so many cages, with ids from 1 on.
CAGE_COUNT = 40
# What people who ask for much at once may get: an answer, or the request to wait.
USUAL_STATUSES = {200, 302, 429}


def sign_in(base_url, username, password):
    """Return a requests.Session that signed in as a person does."""
    session = requests.Session()
    # gunicorn may close a connection just as it is used again. A real browser then tries once more.
    session.headers["Connection"] = "close"
    page = session.get(f"{base_url}/accounts/login/", timeout=20)
    page.raise_for_status()
    form = {"username": username, "password": password}
    form["csrfmiddlewaretoken"] = session.cookies["csrftoken"]
    answer = session.post(
        f"{base_url}/accounts/login/", data=form, timeout=20, allow_redirects=False
    )
    assert answer.status_code == 302, answer.text
    return session


class Person:
    """A person who is signed in; may be used by many threads at the same time."""

    def __init__(self, port, username, password):
        self.url = f"http://127.0.0.1:{port}"
        self.address = ("127.0.0.1", port)
        self.cookies = sign_in(self.url, username, password).cookies.get_dict()
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


def ask_a_sensor(person):
    return person.post(f"/cages/{next(NUMBERS) % CAGE_COUNT + 1}/test-sensor/")


def see_ten_years(person):
    days = "from=2017-01-01&to=2026-11-26"
    return person.get(f"/cages/{next(NUMBERS) % CAGE_COUNT + 1}/history/?{days}")


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


# How many at the same time.
ACTS = {
    ask_a_sensor: 20,
    see_ten_years: 16,
    export_a_year: 6,
    import_a_file: 4,
    see_the_list: 20,
    sign_in_wrongly: 20,
}


@contextlib.contextmanager
def again_and_again(act, person, count):
    """Do it in so many threads while the block runs. Yields a list of the status codes.

    The list is complete when the block has ended. Raises AssertionError if it is then empty or has
    others than USUAL_STATUSES.
    """
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
    assert statuses, act.__name__
    assert set(statuses) <= USUAL_STATUSES, act.__name__
