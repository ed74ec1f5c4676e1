"""The figures of a concern at its raising, as `Concern.facts` holds them, and its subject.

Every function returns what JSON can hold. Pages and notices read these names.
"""

from typing import Any

EVERYTHING = "everything"
Facts = dict[str, Any]


def cage(cage_id: int) -> str:
    """The subject of a concern about a cage."""
    return f"cage:{cage_id}"


def rack(rack_id: int) -> str:
    """The subject of a concern about a rack."""
    return f"rack:{rack_id}"


def room(room_id: int) -> str:
    """The subject of a concern about a room."""
    return f"room:{room_id}"


def bad_long(bad: int, known: int, minutes: int) -> Facts:
    """`bad` of the `known` readings in the last `minutes` said Bad."""
    return {"bad": bad, "known": known, "minutes": minutes}


def unseen(unanswered: int) -> Facts:
    """`unanswered` polls since the last reading. by_eye: somebody has to look into the cage."""
    return {"unanswered": unanswered, "by_eye": False}


def place(silent: int, cages: int) -> Facts:
    """`silent` of the `cages` asked in the place gave no answer. by_eye: as in `unseen`."""
    return {"silent": silent, "cages": cages, "by_eye": False}


def sensor(
    answered: int,
    requests: int,
    hours: int,
    usual_percent: float,
    p95_ms: float | None,
    usual_p95_ms: float | None,
) -> Facts:
    """`answered` of the `requests` of the last `hours`; 95 % of them within `p95_ms`."""
    return {
        "answered": answered,
        "requests": requests,
        "hours": hours,
        "usual_percent": round(usual_percent, 1),
        "p95_ms": None if p95_ms is None else round(p95_ms),
        "usual_p95_ms": None if usual_p95_ms is None else round(usual_p95_ms),
    }
