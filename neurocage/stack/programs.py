"""The commands of the stack's own processes."""

import sys
from urllib.parse import urlsplit

PYTHON = (sys.executable, "-m")
QUIET_WORKER = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def manage(*arguments):
    """A management command of Django."""
    return [sys.executable, "manage.py", *arguments]


def worker(name, queues, threads):
    """A Celery worker of one process with so many threads."""
    command = [*PYTHON, "celery", "-A", "neurocage", "worker", "-n", f"{name}@%h", "-Q", queues]
    return [*command, "-P", "threads", "-c", str(threads), *QUIET_WORKER]


def beat():
    """Celery's clock. Its schedule is in the code, so it keeps no file."""
    return [
        *PYTHON,
        "celery",
        "-A",
        "neurocage",
        "beat",
        "-S",
        "celery.beat:Scheduler",
        "--pidfile=",
    ]


def gunicorn(config, port, application):
    """A web server on one loopback port."""
    return [*PYTHON, "gunicorn", "-c", config, "--bind", f"127.0.0.1:{port}", application]


def host_header(allowed_hosts):
    """A name that Django accepts as Host, from the value of ALLOWED_HOSTS."""
    first = allowed_hosts.split(",")[0].strip().lstrip(".")
    return first if first not in ("", "*") and urlsplit(f"//{first}").hostname else "localhost"
