from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from tqdm import tqdm

from cages import storage
from cages.storage import conversion, roles, turns, upkeep


class Command(BaseCommand):
    help = (
        "Sets up the storage of the minutes; run it after every migrate. On TimescaleDB that is a "
        "hypertable and continuous aggregates, on plain PostgreSQL a table and views. A plain "
        "database that gained TimescaleDB is converted while Neurocage runs, and needs as much "
        "free space as its table takes. May be interrupted and repeated at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--layout-only",
            action="store_true",
            help="Do not convert a large table, count roll-ups or compress now. TimescaleDB's own "
            "jobs do the last two in time.",
        )

    def handle(self, *, layout_only: bool = False, **options: Any) -> None:
        try:
            if layout_only:
                kind = self._lay_out()
            else:
                with turns.only_one_setup(connection):
                    storage.refuse_old(connection)
                    if conversion.is_needed(connection):
                        self._convert()
                    kind = self._lay_out()
                    self._catch_up()
            role = turns.change_layout(connection, lambda: roles.grant(connection))
        except (storage.StorageError, turns.StillBusyError) as error:
            raise CommandError(str(error)) from error
        if role:
            self.stdout.write(f"The role {role} has its rights.")
        self.stdout.write(f"The minutes are stored in {kind}.")
        if conversion.is_needed(connection):
            self.stdout.write(
                "TimescaleDB is here, but the large table of minutes is still plain: run "
                "`manage.py setup_storage` to convert it."
            )

    def _lay_out(self) -> str:
        return turns.change_layout(connection, lambda: storage.set_up(connection))

    def _convert(self) -> None:
        total = conversion.count_rows(connection)
        with tqdm(
            total=total, desc=storage.POLLS, unit=" rows", unit_scale=True, file=self.stderr
        ) as bar:
            for rows in conversion.convert(connection):
                bar.update(rows)

    def _catch_up(self) -> None:
        for what, work in upkeep.stages(connection):
            with tqdm(work, desc=what, unit=" steps", file=self.stderr, disable=not work) as steps:
                for words, run in steps:
                    steps.set_postfix_str(words)
                    turns.retried(partial(run, connection))
