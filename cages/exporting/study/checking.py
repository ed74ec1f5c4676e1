"""What the first file of a study held, and how a file that is made again differs from it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cages.exporting.files import Pieces
from cages.exporting.study.package import StudyPackage, app_version
from cages.models import Study

MOST_LINES = 100


def pieces_of(study: Study, now: datetime) -> Pieces:
    """Yield the study's file. At its end it is kept what it held, or how it differs.

    A file that nobody takes to its end keeps nothing.
    """
    version = app_version()
    if not study.app_version:
        # It stands in the file, and later ones must say the same.
        Study.objects.filter(pk=study.pk, app_version="").update(app_version=version)
        study.app_version = version
    package = StudyPackage(study)
    yield from package.pieces()
    _keep(study, package, now)


def _keep(study: Study, package: StudyPackage, now: datetime) -> None:
    contents = contents_of(package)
    rows = sum(cage.minutes for cage in package.minutes.cages.values()) if package.minutes else 0
    first = Study.objects.filter(pk=study.pk, sha256="")
    if first.update(
        sha256=package.sha256, size=package.size, rows=rows, contents=contents, checked_at=now
    ):
        return
    study.refresh_from_db(fields=["sha256", "contents"])
    found: list[str] = []
    if package.sha256 != study.sha256:
        found = list(differences(study.contents, contents))[:MOST_LINES] or [
            "packed differently, with the same contents"
        ]
    Study.objects.filter(pk=study.pk).update(checked_at=now, differences=found)


def contents_of(package: StudyPackage) -> dict[str, Any]:
    """What is kept of a package that was made (`Study.contents`)."""
    cages = package.minutes.cages if package.minutes else {}
    return {
        "files": {part.name: part.sha256 for part in package.parts},
        "cages": {str(pk): [cage.digest.hexdigest(), cage.polls] for pk, cage in cages.items()},
    }


def differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """How the contents differ, in words: cage by cage for the minutes, and the other files."""
    for pk, (digest, polls) in before["cages"].items():
        new_digest, new_polls = after["cages"].get(pk, ("", 0))
        if digest == new_digest:
            continue
        more = new_polls - polls
        if more > 0:
            yield f"cage {pk}: {more} minutes that came later"
        elif more < 0:
            yield f"cage {pk}: {-more} minutes that are gone"
        else:
            yield f"cage {pk}: as many polls, but something else is said of its minutes"
    # These follow from the minutes, and from all files.
    sums = {"minutes.csv", "hours.csv", "coverage.csv", "groups.csv", "group-cages.csv"}
    sums |= {"ro-crate-metadata.json"}
    for name, digest in before["files"].items():
        if name not in sums and after["files"].get(name) != digest:
            yield f"{name} has changed"
