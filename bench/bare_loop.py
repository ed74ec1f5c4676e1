"""`python -m bench.bare_loop`: the same requests with only `requests` and threads.

This measures the cost of the requests alone, without Celery, Redis, a database, deadlines or the
checking of answers. Two processes with plain threads send prepared requests through the adapter of
one shared session. The output is one JSON object with the number of polls and answers, the CPU
seconds of the measured minutes, and the latency in seconds of the slowest answer.
"""

import argparse
import json
import queue
import resource
import signal
import subprocess
import sys
import threading
import time

import requests
from requests.adapters import HTTPAdapter

from local_stack.processes import dying_with_parent

PROCESSES = 2
STACK_BYTES = 256 * 1024
TIMEOUT_SECONDS = 10
# The longest latency of the sensors is 3 s.
MOST_LATENCY_SECONDS = 3.5


class Loop:
    """Ask cages on as many threads as there can be requests at the same time."""

    def __init__(self, url, threads):
        self._url = f"{url}/data/"
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=threads))
        self._adapter = session.get_adapter(self._url)
        self._template = session.prepare_request(requests.Request("GET", f"{self._url}0/"))
        self._jobs = queue.SimpleQueue()
        self.found = []
        threading.stack_size(STACK_BYTES)
        for _ in range(threads):
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        while True:
            cage_id = self._jobs.get()
            start = time.monotonic()
            try:
                status_code, health = self._ask(cage_id)
            except Exception:
                status_code = health = None
            self.found.append((cage_id, status_code, health, time.monotonic() - start))

    def _ask(self, cage_id):
        request = self._template.copy()
        request.url = f"{self._url}{cage_id}/"
        response = self._adapter.send(request, timeout=TIMEOUT_SECONDS, proxies={})
        body = response.content
        return response.status_code, json.loads(body).get("status") if body else None

    def minute(self, start, cage_ids, spread_seconds):
        """Ask each cage once, evenly spread from `start` (as `time.time()`), and wait for all
        answers.
        """
        self.found = []
        offset = start - time.time() + time.monotonic()
        gap = spread_seconds / len(cage_ids)
        for index, cage_id in enumerate(cage_ids):
            wait = offset + index * gap - time.monotonic()
            if wait > 0.002:  # the same limit as in cages.polling.poller
                time.sleep(wait)
            self._jobs.put(cage_id)
        deadline = time.monotonic() + TIMEOUT_SECONDS + 2
        while len(self.found) < len(cage_ids) and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.found


def one_process(options):
    cage_ids = range(1 + options.part, options.cages + 1, PROCESSES)
    rate = len(cage_ids) / options.spread
    loop = Loop(options.url, threads=min(int(rate * MOST_LATENCY_SECONDS) + 10, 5000))
    # The first minute opens the connections and is not measured.
    loop.minute(options.at, cage_ids, options.spread)
    polls, answers, slowest = 0, 0, 0.0
    start = _cpu_seconds()
    for number in range(1, options.minutes + 1):
        found = loop.minute(options.at + number * 60, cage_ids, options.spread)
        polls += len(cage_ids)
        answers += sum(status_code in (200, 503) for _, status_code, _, _ in found)
        slowest = max([slowest, *(seconds for *_, seconds in found)])
    return {
        "polls": polls,
        "answers": answers,
        "cpu_seconds": _cpu_seconds() - start,
        "slowest_seconds": slowest,
    }


def _cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def all_processes(options):
    command = [sys.executable, "-m", "bench.bare_loop", "--url", options.url]
    command += ["--cages", options.cages, "--spread", options.spread, "--at", options.at]
    command += ["--minutes", options.minutes, "--part"]
    command = [*dying_with_parent(signal.SIGTERM), *map(str, command)]
    parts = [
        subprocess.Popen([*command, str(part)], stdout=subprocess.PIPE, text=True)
        for part in range(PROCESSES)
    ]
    try:
        found = [json.loads(part.communicate()[0]) for part in parts]
    finally:
        for part in parts:
            part.kill()
            part.wait()
    total = {name: sum(part[name] for part in found) for name in found[0]}
    return total | {"slowest_seconds": max(part["slowest_seconds"] for part in found)}


def main():
    options = argparse.ArgumentParser(prog="python -m bench.bare_loop")
    options.add_argument("--url", required=True, help="address of the sensors")
    options.add_argument("--cages", type=int, required=True)
    options.add_argument(
        "--spread", type=float, default=40, help="seconds over which a minute's polls are spread"
    )
    options.add_argument(
        "--minutes", type=int, default=1, help="measured minutes, after one for warming up"
    )
    options.add_argument("--at", type=float, help="start as time.time(); default: now")
    options.add_argument("--part", type=int, help=argparse.SUPPRESS)
    options = options.parse_args()
    options.at = options.at or time.time() + 2
    print(json.dumps(all_processes(options) if options.part is None else one_process(options)))


if __name__ == "__main__":
    main()
