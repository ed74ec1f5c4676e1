"""The web application for gunicorn."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from neurocage.env import settings_or_exit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neurocage.settings")
settings_or_exit(for_pages=True)
pages = get_wsgi_application()
# Who neither sends nor takes anything for so long is gone. nginx has its own limits, but there need
# not be one.
SILENT_SECONDS = 30


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The pages, with a limit on waiting for the other end of the connection."""
    connection = environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(SILENT_SECONDS)
    return pages(environ, start_response)
