"""Settings of gunicorn for the pages, in `make up` and in the container."""

import gc
import os
import sys

from neurocage import env
from neurocage.json_log import FOR_GUNICORN
from neurocage.limits import EXPORTS, SENSOR_TESTS

worker_class = "gthread"
workers = 2
# Eight for pages, whatever runs in the others.
threads = 8 + EXPORTS.in_all + SENSOR_TESTS.in_all
# A thread that computes for long lets the others go on after this many seconds. With Python's usual
# 5 ms, a short page beside a long one took several times as long.
sys.setswitchinterval(0.001)
# The workers share the memory of what the master has loaded.
preload_app = True
# A page that takes this long counts as broken, and its worker is replaced.
timeout = 60
# Shorter than the time that `make up` (8 s) and docker compose (15 s) give before they kill.
graceful_timeout = 5
# A live page makes several requests in a row. An idle connection occupies no thread.
keepalive = 5
# Workers tell the master through a file that they live. On a slow disk it would come too late.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
# nginx or another proxy logs the requests. Only errors are logged here.
accesslog = None
errorlog = "-"
loglevel = "info"
if env.text("LOG_FORMAT").upper() == "JSON":
    logconfig_dict = FOR_GUNICORN
# Its path would be the same for all gunicorns of a user.
control_socket_disable = True


def when_ready(server: object) -> None:
    """Load the pages, which Django does at the first request, before the workers are started."""
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018
    # The garbage collector would write into each shared page.
    gc.collect()
    gc.freeze()
