from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from tqdm import tqdm

from cages import storage
from cages.storage import conversion, upkeep


class Command(BaseCommand):
    help = (
        "Gives the time series their storage: hypertables and continuous aggregates on "
        "TimescaleDB, plain tables and views otherwise. A plain database that gained TimescaleDB "
        "is converted while Neurocage runs, and needs as much free space as its tables take. "
        "May be interrupted and repeated at any time."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--layout-only",
            action="store_true",
            help="Neither convert large tables nor count roll-ups and compress now: the first "
            "stays undone, TimescaleDB's own jobs do the others in time.",
        )

    def handle(self, *, layout_only=False, **options):
        try:
            if not layout_only:
                for table in conversion.tables_to_convert(connection):
                    self._convert(table)
            with transaction.atomic():
                kind = storage.set_up(connection)
        except storage.StorageError as error:
            raise CommandError(str(error)) from error
        if not layout_only:
            self._catch_up()
        self.stdout.write(f"The time series lie on {kind}.")
        if conversion.tables_to_convert(connection):
            self.stdout.write(
                "TimescaleDB is here, but large tables are still plain: run "
                "`manage.py setup_storage` to convert them."
            )

    def _convert(self, table):
        total = conversion.count_rows(connection, table)
        with tqdm(total=total, desc=table, unit=" rows", unit_scale=True, file=self.stderr) as bar:
            for rows in conversion.convert(connection, table):
                bar.update(rows)

    def _catch_up(self):
        for what, work in upkeep.stages(connection):
            with tqdm(work, desc=what, unit=" steps", file=self.stderr, disable=not work) as steps:
                for words, run in steps:
                    steps.set_postfix_str(words)
                    run(connection)
