#!/usr/bin/env python
"""Django's command line. While `make up` runs, it finds that stack's database and Redis."""

import os
import shutil
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neurocage.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from neurocage.env import settings_or_exit

    settings = settings_or_exit()
    if "dbshell" in sys.argv and not shutil.which("psql"):
        # A machine that only ever ran `make up` has the embedded server's psql and no other.
        from local_stack.postgres import postgres_programs

        os.environ["PATH"] += os.pathsep + str(postgres_programs())
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        if settings.DATABASES["default"]["ENGINE"].endswith("dummy"):
            sys.exit(
                "DATABASE_URL is not set. Start `make up` in this checkout (with the same "
                "STATE_DIR), or give postgresql://user:password@host:5432/name."
            )
        sys.exit(f"Neurocage cannot start: {error}")


if __name__ == "__main__":
    main()
