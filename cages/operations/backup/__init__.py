"""Backup and restore of the whole database, with a check of what was restored.

`programs` finds pg_dump and pg_restore and runs them, `archive` is the file, `manifest` says what
the database held, `making` writes a backup, `target` knows the database that a restore writes to,
and `restoring` does that and compares.
"""

from cages.operations.backup.errors import BackupError

__all__ = ["BackupError"]
