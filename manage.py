#!/usr/bin/env python
"""Django's command line. While `make up` runs, it uses the database and Redis of that stack."""

import os
import shutil
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neurocage.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from neurocage.env import settings_or_exit

    settings = settings_or_exit()
    if "dbshell" in sys.argv and not shutil.which("psql"):
        # The machine has no psql of its own, but the embedded PostgreSQL has one.
        from local_stack.postgres import postgres_programs

        os.environ["PATH"] += os.pathsep + str(postgres_programs())
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        if settings.DATABASES["default"]["ENGINE"].endswith("dummy"):
            sys.exit(
                "DATABASE_URL is not set. Start `make up` in this checkout (with the same "
                "STATE_DIR), or set it to postgresql://user:password@host:5432/name."
            )
        sys.exit(f"Neurocage cannot start: {error}")


if __name__ == "__main__":
    main()
