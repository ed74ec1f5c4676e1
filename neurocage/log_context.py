"""What a line of the log belongs to: a request, a task, a slot. For LOG_FORMAT=json."""

import inspect
from collections.abc import Mapping
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from typing import Any

_facts: ContextVar[Mapping[str, str]] = ContextVar("neurocage_log", default={})  # noqa: B039
_tokens: dict[str, Token[Mapping[str, str]]] = {}


def facts() -> Mapping[str, str]:
    """{name: value} of what runs in this thread now."""
    return _facts.get()


def begin_request(request_id: str) -> None:
    """Every line that is logged in this thread until `end_request` belongs to this request."""
    _facts.set({"request": request_id})


def end_request(**kwargs: Any) -> None:
    """Django calls it when the last byte of an answer is sent, in the thread of the request."""
    _facts.set({})


def facts_of_task(name: str, run: Any, args: tuple[Any, ...]) -> dict[str, str]:
    """The name of a task and, where its first parameter is a slot, that slot in ISO format."""
    found = {"task": name}
    first = next(iter(inspect.signature(run).parameters), "")
    if first == "slot" and args and isinstance(args[0], int):
        found["slot"] = datetime.fromtimestamp(args[0], UTC).isoformat()
    return found


def begin_task(task_id: str, task: Any, args: tuple[Any, ...], **kwargs: Any) -> None:
    """Celery calls it before a task, in the thread of the task."""
    _tokens[task_id] = _facts.set(facts_of_task(task.name, task.run, args))


def end_task(task_id: str, **kwargs: Any) -> None:
    """Celery calls it after a task, in the same thread."""
    if token := _tokens.pop(task_id, None):
        _facts.reset(token)
