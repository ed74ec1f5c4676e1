"""A study package as a zip in pieces. The same order and the same data give the same bytes.

Nothing in it depends on when or where it is made: no time of the day, no language, no order of a
database. Its files are CSV, as Parquet files differ from one version of their package to the next.
"""

import hashlib
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import IO

from django.utils import timezone

from cages.exporting.columns import Column
from cages.exporting.dictionary import dictionary
from cages.exporting.files import Pieces, Pipe, csv_of
from cages.exporting.marks import COLUMNS as MARKS
from cages.exporting.study.comparison import (
    GROUP_CAGES,
    GROUPS,
    cage_rows,
    compared,
    group_rows,
)
from cages.exporting.study.crate import METADATA, Part, metadata
from cages.exporting.study.methods import Facts, methods
from cages.exporting.study.minutes import COVERAGE, HOURS, MINUTES, StudyMinutes
from cages.exporting.study.order import StudyOrder
from cages.exporting.study.tables import FILES, MORE, Tables
from cages.history.animals import stretches_of
from cages.history.groups import Comparison
from cages.history.handling import marks_of
from cages.models import LightSchedule, Study

CSV = "text/csv"
# What a zip can say at the earliest.
NO_TIME = (1980, 1, 1, 0, 0, 0)
UNIX, READABLE = 3, 0o644 << 16
# Sums of hours beyond this wait on the disk until all minutes are written.
IN_MEMORY = 8 * 1024 * 1024
PIECE = 256 * 1024
KINDS: dict[str, tuple[str, list[Column]]] = {
    "minutes": ("Every minute of every cage, known or not", MINUTES),
    "hours": ("Sums of the minutes for each UTC hour", HOURS),
    "coverage": ("Sums of the minutes for each cage", COVERAGE),
    "groups": ("Comparison of groups, with the cage as the unit", GROUPS),
    "group-cages": ("The value of each cage in the comparison of groups", GROUP_CAGES),
    "events": ("What people did to the cages in Neurocage", FILES["events"]),
    "marks": ("Handling and other work, as noted", MARKS),
    "schedules": ("Light schedules", FILES["schedules"]),
    "animals": ("Who lived in which cage", FILES["animals"]),
}


def app_version() -> str:
    """The version of Neurocage, or "unknown" where it runs from its source."""
    try:
        return version("neurocage")
    except PackageNotFoundError:
        return "unknown"


@dataclass(slots=True)
class StudyPackage:
    """Makes the package of a study. The fields are complete when all pieces are taken."""

    study: Study
    parts: list[Part] = field(default_factory=list)
    sha256: str = ""
    size: int = 0
    minutes: StudyMinutes | None = None

    def pieces(self) -> Pieces:
        """Yield the pieces of the zip."""
        digest, pipe = hashlib.sha256(), Pipe()
        with (
            tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as hours,
            zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, kind, about, pieces in self._files(hours):
                for _written in self._written(archive, name, kind, about, pieces):
                    if piece := pipe.taken():
                        digest.update(piece)
                        self.size += len(piece)
                        yield piece
        rest = pipe.taken()
        digest.update(rest)
        self.size += len(rest)
        self.sha256 = digest.hexdigest()
        yield rest

    def _files(self, hours: IO[bytes]) -> Iterator[tuple[str, str, str, Iterable[bytes]]]:
        """(name, type, description, pieces) of each file, in order."""
        order = StudyOrder.of(self.study)
        self.minutes = StudyMinutes(order, timezone.get_default_timezone(), hours)
        yield "minutes.csv", CSV, KINDS["minutes"][0], self.minutes.pieces()
        yield "hours.csv", CSV, KINDS["hours"][0], _content(hours)
        comparison = compared(order, self.minutes.tallies.values())
        for name, rows in (
            ("coverage", (one.row for one in self.minutes.cages.values())),
            ("groups", group_rows(comparison)),
            ("group-cages", cage_rows(comparison)),
        ):
            about, columns = KINDS[name]
            content = csv_of([[column.name for column in columns], *rows]).encode()
            yield f"{name}.csv", CSV, about, [content]
        cages = [(cage_id, label) for cage_id, label, _created_at in order.there]
        tables = Tables(cages, order.window, order.margin or timedelta())
        for name in ("events", "marks", "schedules", "animals"):
            yield f"{name}.csv", CSV, KINDS[name][0], tables.pieces(name)
        counts: dict[str, Counter[str]] = {name: Counter() for name in sorted(MORE)}
        for name in counts:
            yield f"{name}.csv", CSV, MORE[name].about, tables.more(name, counts[name])
        words = {name: columns for name, (_about, columns) in KINDS.items()}
        words |= {name: MORE[name].columns for name in counts}
        yield "data-dictionary.csv", CSV, "What every column means", [dictionary(words).encode()]
        text = methods(self.study.name, self.study.title, self._facts(order, counts, comparison))
        yield "methods.md", "text/markdown", "The methods, for a paper", [text.encode()]
        crate = metadata(
            self.study.name,
            self.study.title,
            text,
            self.study.made_at.isoformat(timespec="seconds"),
            self.study.app_version or app_version(),
            self.parts,
        )
        yield METADATA, "application/json", "", [crate.encode()]

    def _written(
        self, archive: zipfile.ZipFile, name: str, kind: str, about: str, pieces: Iterable[bytes]
    ) -> Iterator[None]:
        digest, size = hashlib.sha256(), 0
        entry = zipfile.ZipInfo(name, NO_TIME)
        entry.create_system, entry.external_attr = UNIX, READABLE
        entry.compress_type = zipfile.ZIP_DEFLATED
        # Its size is not known yet and may be above 2 GB.
        with archive.open(entry, "w", force_zip64=True) as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
                yield
        self.parts.append(Part(name, kind, about, digest.hexdigest(), size))
        yield

    def _facts(
        self, order: StudyOrder, counts: dict[str, Counter[str]], comparison: Comparison
    ) -> Facts:
        sums = self.minutes.cages if self.minutes else {}
        schedules: set[int] = set()
        groups: dict[str, set[int]] = {}
        marks: dict[int, str] = {}
        ids = [cage_id for cage_id, *_rest in order.there]
        tables = Tables([(one, "") for one in ids], order.window)
        for batch in tables.batches():
            schedules |= {period.schedule_id or 0 for period in tables.periods(batch)}
            for stretches in stretches_of(batch, order.window).values():
                for stretch in stretches:
                    for animal in stretch.animals:
                        groups.setdefault(animal.group or "no group", set()).add(animal.pk)
            for found in marks_of(batch, order.window, order.margin or timedelta()).values():
                marks |= {mark.pk: mark.kind.word for mark in found}
        return Facts(
            order,
            list(sums.values()),
            list(LightSchedule.objects.filter(pk__in=schedules).order_by("pk")),
            Counter({name: len(animals) for name, animals in groups.items()}),
            Counter(marks.values()),
            [MORE[name].sentence(of_file) for name, of_file in counts.items()],
            [MORE[name].item for name in counts],
            comparison,
        )


def _content(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
