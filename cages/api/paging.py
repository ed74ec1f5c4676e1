"""Pages: how far one got, and the address of the next."""

from datetime import datetime

from django.core import signing
from ninja.errors import HttpError

SALT = "cages.api.paging"


def encode(key):
    """An opaque text for the key of a page's last item: its ids (int) and times (datetime)."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return signing.dumps(parts, salt=f"{SALT}.{len(parts)}")


def decode(cursor, kinds):
    """The key that `encode` was given, or None without a cursor; kinds: int or datetime, of each.

    Signed, so that nothing else than our own keys ever gets to the database.
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


def page(request, found, limit, key, item):
    """{"items", "next"} of at most `limit` items; `found` holds one more where there are more.

    key(row): what `encode` takes; item(row): what the page shows of it.
    """
    shown = found[:limit]
    following = None
    if len(found) > limit:
        query = request.GET.copy()
        query["cursor"] = encode(key(shown[-1]))
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    return {"items": [item(row) for row in shown], "next": following}
