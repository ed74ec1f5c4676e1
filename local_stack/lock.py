"""One stack at a time on one data folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from local_stack.processes import StackError, make_private_folder


@contextlib.contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """Hold the folder's lock.

    Raises StackError with the other process's id while another process holds it. The system
    releases the lock when its process ends, however it ends, so it is never stale.
    """
    make_private_folder(state_dir)
    path = state_dir / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StackError(
            f"Cannot write in {state_dir}: {error.strerror}. Choose another STATE_DIR."
        ) from error
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"Neurocage is already running on {state_dir} (process {file.read().strip()}). "
                "Stop it first, or choose another STATE_DIR and PORT."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
