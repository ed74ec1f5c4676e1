"""What a backup or a restore ends with when it cannot be done."""


class BackupError(Exception):
    """The text says why, and what to do. It holds no secret."""
