"""Writes the dump of this version's database that later versions are tested to upgrade.

    .venv/bin/python -m tests.upgrades.make_dump 1.0

Run it when a version is released, and commit the file. A dump is never made anew afterwards.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local_stack.config import BASE_DIR, child_environment
from local_stack.embedded import EmbeddedPostgres
from local_stack.postgres import postgres_programs

HERE = Path(__file__).resolve().parent
PLAIN_SQL = ("--inserts", "--no-owner", "--no-privileges")
FILL = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("setup_storage", "--layout-only")
from cages.models import Health, Outcome
from tests.factories import make_cage, make_cycle, make_user, record_minutes, slot, MINUTE
owner = make_user("ruth", is_superuser=True)
polls = [Health.BAD, Outcome.TIMEOUT, None, Health.PERFECT, Outcome.SKIPPED]
for number in range(5):
    if polls[number]:
        make_cycle(slot("07:00") + number * MINUTE, planned=2, finished=False)
for bay in (1, 2):
    cage = make_cage(f"Cage {bay}", owner, room="R2", rack="A", row="B", column=bay)
    record_minutes(cage, slot("07:00"), polls)
"""


def main(version: str) -> None:
    with tempfile.TemporaryDirectory(prefix="neurocage-dump-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        postgres.start()
        try:
            environment = child_environment(
                DATABASE_URL=postgres.url,
                REDIS_URL="redis://127.0.0.1:1/0",
                SECRET_KEY="only-to-make-a-dump-and-never-to-serve-anybody-0123456789",
                DJANGO_SETTINGS_MODULE="neurocage.settings",
                STATE_DIR=folder,
            )
            subprocess.run([sys.executable, "-c", FILL], env=environment, cwd=BASE_DIR, check=True)
            dump = subprocess.run(
                [postgres_programs() / "pg_dump", *PLAIN_SQL, postgres.url],
                env={**os.environ, "PGCONNECT_TIMEOUT": "10"},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        finally:
            postgres.stop()
    # What is meant for psql only, and settings that older servers do not know.
    left_out = ("\\", "--", "SET transaction_timeout")
    lines = [line for line in dump.splitlines() if line and not line.startswith(left_out)]
    (HERE / f"{version}.sql").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
