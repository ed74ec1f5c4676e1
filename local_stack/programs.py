"""The commands of the stack's own processes."""

import os
import sys
from urllib.parse import urlsplit

from neurocage import env

PYTHON = (sys.executable, "-m")
QUIET_WORKER = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def manage(*arguments):
    """A management command of Django."""
    return [sys.executable, "manage.py", *arguments]


def celery_worker(name, queues, threads):
    """A Celery worker of one process with so many threads."""
    command = [*PYTHON, "celery", "-A", "neurocage", "worker", "-n", f"{name}@%h", "-Q", queues]
    return [*command, "-P", "threads", "-c", str(threads), *QUIET_WORKER]


def worker(name="worker", queues="slots,records"):
    """Starts minutes and writes results; for either alone, name one queue."""
    return celery_worker(name, queues, threads=4)


def poller(name="poller"):
    """Asks sensors: so many shards at once, as each of them mostly waits."""
    return celery_worker(name, "polls", threads=16)


def poll_processes():
    """How many pollers run on this machine: POLL_PROCESSES, or one for each core, at most 4.

    One process cannot use more than one core. Raises ImproperlyConfigured for a bad value.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return env.number("POLL_PROCESSES", min(cores or 1, 4), 1, 64)


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
