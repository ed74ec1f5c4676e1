import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, OperationalError, connection
from tqdm import tqdm

from cages.operations.backup import BackupError, archive, restoring
from cages.operations.backup.manifest import Manifest
from cages.storage import emptying
from cages.storage.errors import sqlstate_of
from neurocage.secrecy import without_secrets

STDIN = "-"


class Command(BaseCommand):
    help = (
        "Restores what manage.py backup wrote, into an empty database, and compares: the rows of "
        "each table, the minutes of the last whole day, and the ledger. Stop everything but the "
        "database first. Exit code 1 where something is not as it was."
    )
    # They ask for a database that is complete.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the backup, or - for standard input")
        parser.add_argument(
            "--replace",
            metavar="DATABASE",
            help="delete the present database first; its name, so that it is the one you mean",
        )

        parser.add_argument(
            "--only-check",
            action="store_true",
            help="read the backup to its end and say what it holds; needs no database",
        )

    def handle(
        self, *, file: str, replace: str | None, only_check: bool = False, **options: Any
    ) -> None:
        try:
            if only_check:
                self.stdout.write(str(self._read_through(file)))
            else:
                self._restore(file, replace)
        except BackupError as error:
            raise CommandError(str(error), returncode=1) from None
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except DatabaseError as error:
            said = without_secrets(" ".join(str(error).split()))
            raise CommandError(f"The database said: {said}") from None

    def _restore(self, file: str, replace: str | None) -> None:
        if file != STDIN:
            # What is there is not deleted for a file that is not whole. A pipe is read only once.
            self._read_through(file)
        with _opened(file) as stream, archive.reading(stream) as reader:
            noted = Manifest.unpack(reader.manifest)
            target = self._target(replace)
            restoring.refuse(noted, target)
            for words in restoring.warnings(noted, target):
                self.stderr.write(f"Note: {words}")
            self._refuse_what_is_there(target, replace)
            if replace:
                emptying.replace(connection)
            else:
                restoring.refuse_other_extension(noted, target)
            with self._bar("restore") as bar:
                restoring.restore(reader, noted, bar.update)
        different = restoring.check(noted)
        for phrase in different:
            self.stdout.write(phrase)
        if different:
            raise BackupError("The backup was restored, but not everything is as it was.")
        rows = sum(noted.contents.rows.values())
        self.stdout.write(
            f"The backup of {noted.taken_at} is restored: {rows:,} rows in "
            f"{len(noted.contents.rows)} tables, the last whole day and the ledger are as they "
            "were. Now start Neurocage, which brings the database up to date."
        )

    def _target(self, replace: str | None) -> emptying.Target:
        try:
            return emptying.look(connection)
        except OperationalError as error:
            if sqlstate_of(error) == "3D000" or "does not exist" in str(error):
                raise BackupError(
                    f"There is no database {connection.settings_dict['NAME']}. Create it, empty."
                ) from None
            raise

    def _read_through(self, file: str) -> Manifest:
        """Read the backup to its end. Raises BackupError where it is not whole."""
        with (
            _opened(file) as stream,
            archive.reading(stream) as reader,
            self._bar("reading") as bar,
        ):
            for part in reader.parts():
                bar.update(len(part))
            return Manifest.unpack(reader.manifest)

    def _refuse_what_is_there(self, target: emptying.Target, replace: str | None) -> None:
        if replace and replace != target.name:
            raise BackupError(f"--replace names {replace}, but the database is {target.name}.")
        if target.tables and not replace:
            raise BackupError(
                f"The database {target.name} is not empty. To delete it with all that is in it "
                f"and restore in its place, add --replace {target.name}"
            )
        if target.sessions:
            raise BackupError(
                f"{target.sessions} other sessions use the database {target.name}. Stop "
                "everything but the database first."
            )

    def _bar(self, what: str) -> tqdm:
        return tqdm(desc=what, unit="B", unit_scale=True, file=self.stderr)


def _opened(file: str) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdin.buffer) if file == STDIN else Path(file).open("rb")
