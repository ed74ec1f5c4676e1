"""By which address people reach this installation, and to which host names it answers.

BASE_URL and ALLOWED_HOSTS say it. Where they are not set, it is what was said at the set-up or to
`manage.py address`, which is in the database. Each process reads that again after a while.
"""

import time

from django.conf import settings
from django.db import InterfaceError, OperationalError

from people.models import OwnAddress

# After a change the other processes go on for so long with what was said before.
HELD_SECONDS = 10.0
# Links begin with it as long as nobody has said the address.
NOBODY_SAID = "http://localhost:8000"

# When it was read, and what. Nothing is held as long as nobody has said it, so all processes know
# it at once after the set-up.
_held: tuple[float, OwnAddress] | None = None


def absolute(path: str) -> str:
    """The whole address of a page, for links and codes. path: "" or begins with a slash.

    It never comes from the Host of a request, which whoever sends the request chooses.
    """
    return f"{own_address() or NOBODY_SAID}{path}"


def own_address() -> str:
    """The address without a slash at its end; "" where nobody has said it."""
    said = settings.BASE_URL or said_at_the_set_up()
    return str(said or "")


def said_at_the_set_up() -> OwnAddress | None:
    """What is in the database. A query at most once in HELD_SECONDS.

    While the database is away it is what was known before, and without that the error of the
    database is raised.
    """
    global _held
    now = time.monotonic()
    # Another thread may change it meanwhile.
    held = _held
    if held and now - held[0] < HELD_SECONDS:
        return held[1]
    try:
        found = OwnAddress.objects.first()
    except (InterfaceError, OperationalError):
        if held is None:
            raise
        found = held[1]
    _held = (now, found) if found else None
    return found


def forget() -> None:
    """Read it again at the next use, because this process has changed it."""
    global _held
    _held = None
