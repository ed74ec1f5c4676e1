"""gunicorn for the pages: in `make up` and in the container (which binds another address)."""

import os

worker_class = "gthread"
workers = 2
threads = 8
# A page that takes this long is broken; its worker is replaced.
timeout = 60
# Shorter than the patience of whoever stops us: `make up` and docker both wait about ten seconds.
graceful_timeout = 5
# A live page asks for several parts in a row; an idle connection costs no thread meanwhile.
keepalive = 5
# Workers tell the master that they live through a file, and a slow disk must not kill them.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
# nginx or the person's own proxy logs requests; here only what went wrong is written.
accesslog = None
errorlog = "-"
loglevel = "info"
# One machine may run several; a socket in the home folder would be fought over.
control_socket_disable = True
