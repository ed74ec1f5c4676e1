"""Check a study package without a server and without a database."""

import csv
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from cages.exporting.study.crate import METADATA, SPECIFICATION

PIECE = 1024 * 1024
MOST_FILES = 100
MOST_METADATA = 10 * 1024 * 1024
MOST_OF_FILE = 20 * 1024**3


class NotAPackageError(Exception):
    """The file is no study package. Its text says why."""


@dataclass(slots=True)
class Verified:
    """right, wrong: sentences. sha256: of the whole file."""

    name: str
    sha256: str
    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def verify(path: str) -> Verified:
    """Check every file in the package. Raises NotAPackageError and OSError."""
    with open(path, "rb") as file:
        whole = _sha256(file)
    try:
        with zipfile.ZipFile(path) as archive:
            return _verified(archive, whole)
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        LookupError,
        ValueError,
        # A row of a table that is too short, a table that is none, and a file with a password.
        TypeError,
        csv.Error,
        RuntimeError,
    ) as error:
        raise NotAPackageError(f"This is no complete study package: {error}") from error


def _verified(archive: zipfile.ZipFile, whole: str) -> Verified:
    entries = {entry.filename: entry for entry in archive.infolist()[: MOST_FILES + 1]}
    if len(entries) > MOST_FILES:
        raise NotAPackageError(f"This has more than {MOST_FILES} files.")
    if METADATA not in entries or entries[METADATA].file_size > MOST_METADATA:
        raise NotAPackageError(f"This has no {METADATA} that can be read.")
    identifier, specification, sums = _said(archive.read(METADATA))
    found = Verified(identifier, whole)
    if specification != SPECIFICATION:
        found.wrong.append(f"{METADATA} does not say that it is {SPECIFICATION}.")
    for name, sha256 in sums.items():
        if name not in entries:
            found.wrong.append(f"{name} is missing.")
        elif entries[name].file_size > MOST_OF_FILE:
            found.wrong.append(f"{name} is too large to be checked.")
        else:
            _check(archive, name, sha256, found)
    for name in sorted(entries.keys() - {*sums, METADATA}):
        found.wrong.append(f"{name} does not belong to the package.")
    if not found.wrong:
        _check_sums(archive, found)
    return found


def _said(metadata: bytes) -> tuple[str, str, dict[str, str]]:
    """(id of the package, specification, {name: SHA-256} of its files), as the metadata say."""
    try:
        known: dict[str, Any] = {one["@id"]: one for one in json.loads(metadata)["@graph"]}
        root = known["./"]
        named = [part["@id"] for part in root["hasPart"]]
        sums = {str(name): str(known[name]["sha256"]) for name in named}
        return str(root["identifier"]), str(known[METADATA]["conformsTo"]["@id"]), sums
    except (LookupError, TypeError, RecursionError) as error:
        raise NotAPackageError(f"{METADATA} does not list the files of a study package.") from error


def _check(archive: zipfile.ZipFile, name: str, sha256: str, found: Verified) -> None:
    try:
        with archive.open(name) as file:
            digest = _sha256(file)
    except (zipfile.BadZipFile, zlib.error):
        found.wrong.append(f"{name} is damaged.")
        return
    if digest == sha256:
        found.right.append(f"{name}: SHA-256 as in the metadata.")
    else:
        found.wrong.append(f"{name}: its SHA-256 is {digest}, and {sha256} in the metadata.")


def _check_sums(archive: zipfile.ZipFile, found: Verified) -> None:
    """The rows of minutes are as many as the hours and the cages add up to."""
    minutes = sum(1 for _row in _rows(archive, "minutes.csv"))
    for name in ("hours.csv", "coverage.csv"):
        told = sum(int(row["minutes"]) for row in _rows(archive, name))
        if told == minutes:
            found.right.append(f"{name} adds up to the {minutes} rows of minutes.csv.")
        else:
            found.wrong.append(f"{name} adds up to {told} minutes, and minutes.csv has {minutes}.")
    _check_groups(archive, found)


def _check_groups(archive: zipfile.ZipFile, found: Verified) -> None:
    """The minutes of the comparison of groups are those that are not excluded."""
    rows = [row for row in _rows(archive, "group-cages.csv") if row["within"] == "all"]
    told = sum(int(row["minutes"]) + int(row["outside_group"]) for row in rows)
    rows = list(_rows(archive, "coverage.csv"))
    counted = sum(int(row["minutes"]) - int(row["excluded"]) for row in rows)
    words = f"group-cages.csv adds up to {told} minutes"
    if told == counted:
        found.right.append(f"{words}: those that are not excluded.")
    else:
        found.wrong.append(f"{words}, and {counted} are not excluded.")


def _rows(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, str]]:
    with archive.open(name) as file:
        yield from csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""))


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
