from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cages.exporting.study.verify import NotAPackageError, verify

BAD_INPUT = 2


class Command(BaseCommand):
    help = (
        "Checks a study package without a server: every file against its SHA-256, and the sums. "
        "Exit code 1 where something is wrong, 2 where the file is no study package."
    )
    # It reads nothing but the file.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the zip file")

    def handle(self, *, file: str, **options: Any) -> None:
        try:
            found = verify(file)
        except (NotAPackageError, OSError) as error:
            raise CommandError(str(error), returncode=BAD_INPUT) from error
        self.stdout.write(f"{found.name}, SHA-256 {found.sha256}")
        for line in found.right:
            self.stdout.write(f"right: {line}")
        for line in found.wrong:
            self.stdout.write(f"wrong: {line}")
        if found.wrong:
            raise CommandError(f"{len(found.wrong)} wrong.", returncode=1)
