"""On whose behalf this process changes the database now. The database's own triggers note it.

What is known travels in the same message as the statement that changes something. So it costs no
query of its own, and it holds behind a PgBouncer in transaction mode, where two statements outside
of a transaction may reach two different sessions.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper
from django.dispatch import receiver

# The session variable of PostgreSQL that the triggers read; only for one transaction.
VARIABLE = "neurocage.acting"
REASON_LENGTH = 500
THROUGH_LENGTH = 200

# Lines of the tables whose changes are noted; each app adds its own. Statements on any other table
# are left as they are, those of polling among them.
_noted: set[str] = set()
_CHANGE = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, from where and through what. All empty where that is not known.

    who: gives (id, name) of the person, or None. through: gives the page, the command or the task.
    Both are asked only when something is changed. request: tells one request from the next.
    """

    who: Callable[[], tuple[int | None, str] | None] = lambda: None
    through: Callable[[], str] = lambda: ""
    address: str = ""
    request: str = ""
    reason: str = ""

    def as_json(self) -> str:
        person_id, name = self.who() or (None, "")
        return json.dumps(
            {
                "person_id": person_id,
                "by": name,
                "through": self.through()[:THROUGH_LENGTH],
                "address": self.address,
                "request": self.request,
                "reason": self.reason[:REASON_LENGTH],
            }
        )


def _process() -> Acting:
    """What is known where nobody said more: the command of manage.py, or the program."""
    program = Path(sys.argv[0]).name if sys.argv else ""
    command = sys.argv[1] if program == "manage.py" and len(sys.argv) > 1 else ""
    return Acting(through=lambda: f"manage.py {command}" if command else program)


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def note_changes_of(*tables: str) -> None:
    """Say that the database notes who changes these tables."""
    _noted.update(tables)


def current() -> Acting:
    """On whose behalf this thread acts now."""
    return _acting.get() or _process()


@contextmanager
def acting(who: Acting) -> Iterator[None]:
    """Everything within is done on behalf of this one."""
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)


def begin_task(name: str) -> None:
    """Everything that this thread does from now on belongs to the task."""
    _acting.set(Acting(through=lambda: f"task {name}"))


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Everything within is done for this reason, which a person gave."""
    with acting(replace(current(), reason=reason)):
        yield


@contextmanager
def named(name: str) -> Iterator[None]:
    """Everything within is done by a person who gave this name, such as on the command line."""
    with acting(replace(current(), who=lambda: (None, name))):
        yield


def tell(cursor: CursorWrapper) -> None:
    """Say who acts to the database, until the transaction ends; for statements of other forms."""
    cursor.execute("SELECT set_config(%s, %s, true)", [VARIABLE, current().as_json()])


@receiver(connection_created)
def tell_the_database(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Let every connection say who acts, once however often it is opened."""
    if connection.vendor == "postgresql" and _with_acting not in connection.execute_wrappers:
        connection.execute_wrappers.append(_with_acting)


def _with_acting(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    found = _CHANGE.match(sql) if isinstance(sql, str) else None
    if found is None or many or found[1] not in _noted:
        return execute(sql, params, many, context)
    known = current().as_json()
    if params is None:
        # Without parameters, "%" stands for itself.
        sql, params = sql.replace("%", "%%"), ()
    prefix = f"SELECT set_config('{VARIABLE}', %s, true); "
    if isinstance(params, dict):
        prefix, params = prefix.replace("%s", "%(acting_)s"), {**params, "acting_": known}
    else:
        params = (known, *params)
    return execute(prefix + sql, params, many, context)
