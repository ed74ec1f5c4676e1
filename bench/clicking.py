"""People who look at the pages of an installation for as long as they are let.

Each is a thread with a session of its own: the next page, then a pause as somebody who reads. They
run in a process of their own, so that the sensors and what is measured wait for none of them. Every
answer goes to a file, a line each: `kind, seconds since 1970 of the question, ms, status`. The
status is 0 if no answer came.
"""

import argparse
import json
import random
import signal
import threading
import time

import requests

from tests.faults.people import sign_in

# Seconds from one sign-in to the next. Few may sign in from one address at the same moment.
ARRIVE_SECONDS = 2
# Seconds between two pages of one person.
PAUSE_SECONDS = (1.0, 4.0)
TIMEOUT_SECONDS = 60

# What everybody opens: {kind: addresses, of which {cage} and {rack} are chosen each time}.
COMMON = {
    "list": ("/cages/", "/cages/?page=3", "/cages/?order=label&page=20"),
    "list, filtered": ("/cages/?state=bad", "/cages/?q={cage}", "/cages/?state=unseen"),
    "cage": ("/cages/{cage}/",),
    "history": ("/cages/{cage}/history/", "/cages/{cage}/history/?span=7d"),
    "racks": ("/racks/",),
    "rack": ("/racks/{rack}/", "/racks/{rack}/sheet/"),
    "wall": ("/wall/", "/wall/?room={room}"),
}
DESK = {"concerns": ("/concerns/", "/concerns/closed/"), "notices": ("/notices/",)}
EXPORT = {
    "export": (
        "/cages/export/file/?which=all&kind=hourly&from={today}&to={today}",
        "/concerns/export/",
    )
}
OPERATIONS = {"operations": ("/ops/",), "changes": ("/changes/",), "sensors": ("/sensors/",)}
API = {
    "API": (
        "/api/v1/states?limit=500",
        "/api/v1/cages?limit=100",
        "/api/v1/readings?cage={cage}&from={today}&to={tomorrow}",
        "/api/v1/concerns?from={today}&to={tomorrow}",
    )
}
OF_ROLE = {
    "viewer": COMMON,
    "technician": COMMON | DESK,
    "researcher": COMMON | EXPORT,
    "vet": COMMON | DESK | EXPORT,
    "administrator": COMMON | DESK | OPERATIONS,
    "program": API,
}


class Clicker(threading.Thread):
    """One person, or a program with a token."""

    def __init__(self, options, person, arrives_after, ended, write):
        super().__init__(name=person["username"])
        self.options, self.person, self.arrives_after = options, person, arrives_after
        self.ended, self.write = ended, write
        self.random = random.Random(person["username"])
        self.session = requests.Session()

    def run(self):
        self.ended.wait(self.arrives_after)
        if token := self.person.get("token"):
            self.session.headers["Authorization"] = f"Bearer {token}"
        else:
            self.sign_in()
        kinds = OF_ROLE[self.person["role"]]
        while not self.ended.wait(self.random.uniform(*PAUSE_SECONDS)):
            kind = self.random.choice(list(kinds))
            self.see(kind, self.random.choice(kinds[kind]))

    def sign_in(self):
        """Try until it is not refused: an address may have few passwords checked at once."""
        while not self.ended.is_set():
            asked_at, began, status = time.time(), time.monotonic(), 302
            try:
                self.session = sign_in(
                    self.options["url"], self.person["username"], self.options["password"]
                )
            except AssertionError:
                status = 429
            except requests.RequestException:
                status = 0
            self.write("sign-in", asked_at, 1000 * (time.monotonic() - began), status)
            if status == 302:
                return
            self.ended.wait(self.random.uniform(*PAUSE_SECONDS))

    def see(self, kind, address):
        today = time.strftime("%Y-%m-%d", time.gmtime())
        path = address.format(
            cage=self.random.choice(self.options["cages"]),
            rack=self.random.choice(self.options["racks"]),
            room=self.random.choice(self.options["rooms"]),
            today=today,
            tomorrow=time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86_400)),
        )
        asked_at, began = time.time(), time.monotonic()
        try:
            answer = self.session.get(
                f"{self.options['url']}{path}", timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
            status = answer.status_code
        except requests.RequestException:
            status = 0
        self.write(kind, asked_at, 1000 * (time.monotonic() - began), status)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("options", help="a JSON file: url, password, people, cages, racks, rooms")
    parser.add_argument("answers", help="the file to write")
    arguments = parser.parse_args()
    with open(arguments.options) as file:
        options = json.load(file)
    ended, lock = threading.Event(), threading.Lock()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with open(arguments.answers, "w", buffering=1) as file:

        def write(*answer):
            with lock:
                file.write(json.dumps(answer) + "\n")

        people = [
            Clicker(options, person, number * ARRIVE_SECONDS, ended, write)
            for number, person in enumerate(options["people"])
        ]
        for person in people:
            person.start()
        for person in people:
            person.join()


if __name__ == "__main__":
    main()
