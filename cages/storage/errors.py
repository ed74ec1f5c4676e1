"""What the storage raises."""


class StorageError(Exception):
    """The storage cannot be set up. The text says why, and what to do."""
