import sys
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from tqdm import tqdm

from cages.operations.backup import BackupError, making
from neurocage.secrecy import without_secrets

STDOUT = "-"


class Command(BaseCommand):
    help = (
        "Writes the whole database to one file, as it is at one moment, while Neurocage goes on. "
        "The secret key, the passwords and what waits in Redis are not in it. "
        "manage.py restore reads it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a new file, or - for standard output")

    def handle(self, *, file: str, **options: Any) -> None:
        try:
            if file == STDOUT:
                where = "Standard output"
                taken_at, size = self._write(sys.stdout.buffer, None)
            else:
                path = Path(file).resolve()
                where = str(path)
                if not path.parent.is_dir():
                    raise BackupError(f"There is no folder {path.parent}.")
                making.refuse_full_disk(path.parent, making.expected_bytes())
                with making.new_file(path) as out:
                    taken_at, size = self._write(out, path.parent)
        except BackupError as error:
            raise CommandError(f"No backup was made. {error}") from None
        except DatabaseError as error:
            said = without_secrets(" ".join(str(error).split()))
            raise CommandError(f"No backup was made. The database said: {said}") from None
        self.stderr.write(
            f"{where} holds the backup, {size:,} bytes. The secret key, the passwords and what "
            "waits in Redis are not in it."
        )
        self._note(taken_at, size)

    def _write(self, out: IO[bytes], folder: Path | None) -> tuple[datetime, int]:
        with tqdm(desc="backup", unit="B", unit_scale=True, file=self.stderr) as bar:

            def progress(size: int) -> None:
                if folder:
                    making.refuse_full_disk(folder, size)
                bar.update(size)

            made = making.make(out, progress)
        out.flush()
        return made

    def _note(self, taken_at: datetime, size: int) -> None:
        # pg_dump may have taken longer than an idle connection lives.
        connection.close_if_unusable_or_obsolete()
        try:
            making.note(taken_at, size)
        except DatabaseError as error:
            said = without_secrets(" ".join(str(error).split()))
            self.stderr.write(f"It is whole, but was not noted, so it may be told overdue: {said}")
