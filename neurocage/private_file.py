"""Files that only their owner may read: passwords, keys, and URLs that hold them."""

import os
from pathlib import Path


def write_private_file(path: Path, text: str) -> None:
    """Write or replace the file in one step. Nobody but its owner can read it at any moment."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
