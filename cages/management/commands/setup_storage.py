from django.core.management.base import BaseCommand
from django.db import connection, transaction

from cages import storage


class Command(BaseCommand):
    help = (
        "Gives the time series their storage: hypertables and continuous aggregates on "
        "TimescaleDB, plain tables and views otherwise. Harmless to repeat."
    )

    def handle(self, **options):
        with transaction.atomic():
            kind = storage.set_up(connection)
        self.stdout.write(f"The time series lie on {kind}.")
