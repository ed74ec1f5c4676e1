"""What the storage raises, and what the database says of its own errors."""


class StorageError(Exception):
    """The storage cannot be set up. The text says why, and what to do."""


def sqlstate_of(error: BaseException) -> str:
    """PostgreSQL's code of an error that Django raised, such as "55P03"; "" without one."""
    return getattr(error.__cause__, "pgcode", None) or ""
