"""LOG_FORMAT=json, the ids of requests, and reports to a Sentry."""

import gzip
import json
import logging
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.urls import reverse

from cages.polling.tasks import poll_cages, start_slot
from local_stack.config import BASE_DIR, child_environment
from local_stack.ports import free_port
from neurocage import log_context
from neurocage.json_log import JsonFormatter
from tests.factories import slot

SECRET = "topsecret"


def line_of(message, *args, info=None):
    record = logging.LogRecord("cages.x", logging.WARNING, "f", 1, message, args, info)
    return json.loads(JsonFormatter().format(record))


def test_a_line_is_one_object_without_secrets():
    try:
        raise ValueError(f'cannot reach "redis://:{SECRET}@host"\nat all')
    except ValueError as error:
        line = line_of('%s and "quoted"', f"http://u:{SECRET}@h", info=(ValueError, error, None))
    assert line["message"] == 'http://…@h and "quoted"'
    assert (line["level"], line["logger"]) == ("WARNING", "cages.x")
    assert line["time"].endswith("+00:00")
    assert "redis://…@host" in line["trace"]
    assert SECRET not in json.dumps(line)


def test_a_line_names_the_task_and_its_slot():
    seven = int(slot("07:00").timestamp())
    log_context.begin_task("1", poll_cages, (seven, [1, 2]))
    line = line_of("in a task")
    log_context.end_task("1")
    assert line["task"] == "cages.polling.tasks.poll_cages"
    assert line["slot"] == "2026-03-02T06:00:00+00:00"
    log_context.begin_task("2", start_slot, ())
    assert line_of("in another")["task"] == "cages.polling.tasks.start_slot"
    log_context.end_task("2")
    assert not {"task", "slot"} & set(line_of("after that"))


# Ids of requests


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []
        self.setFormatter(JsonFormatter())

    def emit(self, record):
        self.lines.append(json.loads(self.format(record)))


@pytest.mark.django_db
def test_the_lines_of_a_request_have_the_id_that_its_answer_tells(client):
    lines, logger = Lines(), logging.getLogger("django.request")
    logger.addHandler(lines)
    try:
        answers = [client.get("/no/such/page") for _ in range(2)]
    finally:
        logger.removeHandler(lines)
    assert [line["request"] for line in lines.lines] == [one["X-Request-ID"] for one in answers]
    assert answers[0]["X-Request-ID"] != answers[1]["X-Request-ID"]


@pytest.mark.parametrize(
    ("address", "given", "is_kept"),
    [
        ("127.0.0.1", "abc-123.DEF_4", True),
        ("172.18.0.5", "0f" * 32, True),
        ("8.8.8.8", "abc-123.DEF_4", False),
        ("", "abc-123.DEF_4", False),
        ("127.0.0.1", "short", False),
        ("127.0.0.1", "x" * 65, False),
        ("127.0.0.1", "with blank and more", False),
        ("127.0.0.1", "<script>alert(1)", False),
    ],
)
def test_only_a_sane_id_of_a_near_proxy_is_kept(client, address, given, is_kept):
    answer = client.get(reverse("healthz"), headers={"X-Request-ID": given}, REMOTE_ADDR=address)
    assert (answer["X-Request-ID"] == given) is is_kept


# Whole processes


def first_line_of(*program):
    """The first line on standard error of a process that logs as JSON."""
    environment = child_environment(LOG_FORMAT="json", REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    process = subprocess.Popen(
        [sys.executable, "-m", *program],
        env=environment,
        cwd=BASE_DIR,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    overdue = threading.Timer(120, process.kill)
    overdue.start()
    try:
        return json.loads(process.stderr.readline())
    finally:
        overdue.cancel()
        process.kill()
        process.communicate()


def test_pages_and_workers_log_as_json():
    web = ("gunicorn", "-c", "neurocage/gunicorn.conf.py", "--bind", "127.0.0.1:0")
    assert "gunicorn" in first_line_of(*web, "neurocage.wsgi")["message"]
    worker = first_line_of("celery", "-A", "neurocage", "worker", "-P", "solo")
    # For a worker of root, the first is a warning of Python's.
    assert worker["logger"].startswith(("celery", "py.warnings"))


# Sentry


@pytest.fixture
def sentry():
    """A server in the place of Sentry: its DSN, and what was reported."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self.server.reported.append(body.decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.reported = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


FAIL_IN_A_PAGE = """
import django
django.setup()
from django.test import Client
from django.urls import resolve
resolve("/healthz").func.__globals__["HttpResponse"] = None  # so that the page fails
password = "topsecret-variable"
client = Client(raise_request_exception=False, headers={"cookie": "sessionid=topsecret-cookie"})
client.get("/healthz?token=topsecret-query", headers={"authorization": "topsecret-header"})
import logging
logging.getLogger("cages").error("cannot reach redis://:topsecret@host")
"""


def test_errors_are_reported_without_secrets(sentry):
    dsn = f"http://key@127.0.0.1:{sentry.server_port}/1"
    subprocess.run(
        [sys.executable, "-c", FAIL_IN_A_PAGE],
        env=child_environment(SENTRY_DSN=dsn),
        cwd=BASE_DIR,
        check=True,
        stderr=subprocess.DEVNULL,
        timeout=120,
    )
    # Of an envelope's lines, those with an event are objects.
    lines = [line for line in "\n".join(sentry.reported).split("\n") if line.startswith("{")]
    events = [event for line in lines if (event := json.loads(line)).get("level")]
    reported = json.dumps(events, ensure_ascii=False)
    assert "redis://…@host" in reported
    assert "/healthz" in reported
    assert SECRET not in "".join(sentry.reported)


def test_without_a_sentry_nothing_of_it_is_loaded():
    code = "import django, sys; django.setup(); sys.exit('sentry_sdk' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != "SENTRY_DSN"}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, cwd=BASE_DIR).returncode == 0
    )
