#!/usr/bin/env python
"""Django's command line. While `make up` runs, it finds that stack's database and Redis."""

import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neurocage.settings")
    from django.core.management import execute_from_command_line

    from neurocage.env import settings_or_exit

    settings_or_exit()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
