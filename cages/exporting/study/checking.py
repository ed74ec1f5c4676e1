"""What the first file of a study held, and how a file that is made again differs from it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cages.exporting.files import Pieces
from cages.exporting.study.package import StudyPackage, app_version
from cages.models import Study

MOST_LINES = 100
# What follows from the minutes, and from all files.
SUMS = {"minutes.csv", "hours.csv", "coverage.csv", "groups.csv", "group-cages.csv"}
SUMS |= {"ro-crate-metadata.json"}


class Differs(StrEnum):
    """How a file that is made again differs. As kept in `Study.differences`: [this, values]."""

    LATER = "later"  # {"cage", "count"}
    GONE = "gone"  # {"cage", "count"}
    OTHERWISE = "otherwise"  # {"cage"}
    FILE = "file"  # {"name"}
    NEW_FILE = "new_file"  # {"name"}
    NO_FILE = "no_file"  # {"name"}
    PACKED = "packed"  # {}


Difference = tuple[str, dict[str, Any]]


def in_words(differences: Iterable[Difference]) -> list[str]:
    """The differences in the language that is active."""
    return [_in_words(*difference) for difference in differences]


def _in_words(how: str, values: dict[str, Any]) -> str:
    if how in (Differs.LATER, Differs.GONE):
        text = (
            ngettext(
                "cage %(cage)s: %(count)d minute that came later",
                "cage %(cage)s: %(count)d minutes that came later",
                values["count"],
            )
            if how == Differs.LATER
            else ngettext(
                "cage %(cage)s: %(count)d minute that is gone",
                "cage %(cage)s: %(count)d minutes that are gone",
                values["count"],
            )
        )
        return text % values
    texts = {
        Differs.OTHERWISE: _(
            "cage %(cage)s: as many polls, but something else is said of its minutes"
        ),
        Differs.FILE: _("%(name)s has changed"),
        Differs.NEW_FILE: _("%(name)s is new"),
        Differs.NO_FILE: _("%(name)s is no longer there"),
        Differs.PACKED: _("packed differently, with the same contents"),
    }
    return texts[Differs(how)] % values


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
    found: list[Difference] = []
    if package.sha256 != study.sha256:
        found = list(differences(study.contents, contents))[:MOST_LINES]
        found = found or [(Differs.PACKED, {})]
    Study.objects.filter(pk=study.pk).update(checked_at=now, differences=found)


def contents_of(package: StudyPackage) -> dict[str, Any]:
    """What is kept of a package that was made (`Study.contents`)."""
    cages = package.minutes.cages if package.minutes else {}
    return {
        "files": {part.name: part.sha256 for part in package.parts},
        "cages": {str(pk): [cage.digest.hexdigest(), cage.polls] for pk, cage in cages.items()},
    }


def differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    """How the contents differ: cage by cage for the minutes, and the other files."""
    for pk, (digest, polls) in before["cages"].items():
        new_digest, new_polls = after["cages"].get(pk, ("", 0))
        if digest == new_digest:
            continue
        more = new_polls - polls
        if more > 0:
            yield Differs.LATER, {"cage": pk, "count": more}
        elif more < 0:
            yield Differs.GONE, {"cage": pk, "count": -more}
        else:
            yield Differs.OTHERWISE, {"cage": pk}
    was, is_now = before["files"], after["files"]
    for name, digest in was.items():
        if name not in is_now:
            yield Differs.NO_FILE, {"name": name}
        elif name not in SUMS and is_now[name] != digest:
            yield Differs.FILE, {"name": name}
    # Another version of Neurocage may add one.
    for name in is_now:
        if name not in was:
            yield Differs.NEW_FILE, {"name": name}
