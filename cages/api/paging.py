"""Pages of an answer, and the cursor with which the next one begins."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.core import signing
from django.http import HttpRequest
from ninja.errors import HttpError
from pydantic import BaseModel

from neurocage.address import absolute

# The ids and times of a row.
Key = tuple[int | datetime, ...]
Row = TypeVar("Row")

SALT = "cages.api.paging"


def encode(key: Key) -> str:
    """Return the key of a page's last item as a signed text."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return signing.dumps(parts, salt=f"{SALT}.{len(parts)}")


def decode(cursor: str | None, kinds: Sequence[type]) -> Any:
    """Return the Key in a cursor, or None without a cursor. kinds: int or datetime for each part.

    Raises HttpError (422) for a text that `encode` did not make.
    """
    if not cursor:
        return None
    try:
        parts = signing.loads(cursor, salt=f"{SALT}.{len(kinds)}")
    except signing.BadSignature:
        raise HttpError(
            422,
            "cursor: not valid. Use the address in next unchanged, or start without a cursor.",
        ) from None
    return tuple(
        datetime.fromisoformat(part) if kind is datetime else part
        for part, kind in zip(parts, kinds, strict=True)
    )


def page(
    request: HttpRequest,
    found: Sequence[Row],
    limit: int,
    key: Callable[[Row], Key],
    item: Callable[[Row], BaseModel],
) -> dict[str, Any]:
    """Return {"items", "next"} with at most `limit` items.

    found: the rows, one more than the limit where there are more.
    """
    shown = found[:limit]
    following = None
    if len(found) > limit:
        query = request.GET.copy()
        query["cursor"] = encode(key(shown[-1]))
        following = absolute(f"{request.path}?{query.urlencode()}")
    return {"items": [item(row) for row in shown], "next": following}
