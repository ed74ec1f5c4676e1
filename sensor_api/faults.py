"""Which cages have which fault. Set at the start by SENSOR_FAULTS, and later over HTTP."""

import re
import threading
from collections.abc import Mapping

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from .misbehaviour import FAULTS

MOST_FAULTS = 1000


class FaultBook:
    """The fault of each cage that has one, for at most MOST_FAULTS cages."""

    def __init__(self, faults: Mapping[int, str]) -> None:
        self._lock = threading.Lock()
        self._faults: dict[int, str] = {}
        for cage_id, fault in faults.items():
            self.set(cage_id, fault)

    def of(self, cage_id: int) -> str | None:
        """The name of the cage's fault; None without one."""
        return self._faults.get(cage_id)

    def all(self) -> dict[int, str]:
        """A copy of all faults: {cage id: name}, sorted by id."""
        with self._lock:
            return dict(sorted(self._faults.items()))

    def set(self, cage_id: int, fault: object) -> None:
        """Set the cage's fault. Raises ValueError for an unknown one, or for one too many."""
        name = checked_fault(fault)
        with self._lock:
            if cage_id not in self._faults and len(self._faults) >= MOST_FAULTS:
                raise ValueError(f"{MOST_FAULTS} cages have a fault already. Clear one first.")
            self._faults[cage_id] = name

    def clear(self, cage_id: int) -> None:
        """Clear the cage's fault, if it has one."""
        with self._lock:
            self._faults.pop(cage_id, None)


def checked_fault(fault: object) -> str:
    """Return the fault's name. Raises ValueError when there is no such fault."""
    if not isinstance(fault, str) or fault not in FAULTS:
        shown = repr(fault)
        shown = shown if len(shown) <= 40 else f"{shown[:40]}…"
        raise ValueError(f"there is no fault {shown}. Known: {', '.join(FAULTS)}")
    return fault


def parse_cage_id(text: str) -> int:
    """Read a cage id. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{1,18}", text.strip()):
        raise ValueError(f"{text.strip()!r} is not a cage id, a whole number of at most 18 digits")
    return int(text)


def parse_faults(text: str) -> dict[int, str]:
    """Read "11=refuse,12=hang" into {11: "refuse", 12: "hang"}. Raises ValueError."""
    faults: dict[int, str] = {}
    for part in filter(str.strip, text.split(",")):
        cage, equals, fault = part.partition("=")
        if not equals:
            raise ValueError(f"{part.strip()!r} is not of the form 11=refuse")
        cage_id = parse_cage_id(cage)
        if cage_id in faults:
            raise ValueError(f"cage {cage_id} is given twice")
        faults[cage_id] = checked_fault(fault.strip())
    if len(faults) > MOST_FAULTS:
        raise ValueError(f"gives {len(faults)} cages a fault; at most {MOST_FAULTS} may have one")
    return faults


def faults_blueprint(book: FaultBook) -> Blueprint:
    """The views under `/faults/`, which show, set and clear faults while the simulator runs."""
    blueprint = Blueprint("faults", __name__, url_prefix="/faults")

    @blueprint.get("/")
    def show() -> ResponseReturnValue:
        known = {name: function.__doc__ for name, function in FAULTS.items()}
        return {"faults": book.all(), "known": known, "limit": MOST_FAULTS}

    @blueprint.put("/<int:cage_id>/")
    def put(cage_id: int) -> ResponseReturnValue:
        # The Content-Type is ignored, because `curl -d` always says that it sends a form.
        body = request.get_json(force=True, silent=True)
        if not isinstance(body, dict) or set(body) != {"fault"}:
            return {"error": 'send JSON of the form {"fault": "hang"}'}, 400
        try:
            book.set(parse_cage_id(str(cage_id)), body["fault"])
        except ValueError as problem:
            return {"error": str(problem)}, 400
        return {"cage_id": cage_id, "fault": body["fault"]}

    @blueprint.delete("/<int:cage_id>/")
    def delete(cage_id: int) -> ResponseReturnValue:
        book.clear(cage_id)
        return {"cage_id": cage_id, "fault": None}

    return blueprint
