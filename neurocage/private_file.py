"""Files that only their owner may read: passwords, keys and addresses."""

import os
from pathlib import Path


def write_private_file(path, text):
    """Replace the file in one step; nobody but its owner can read it at any moment."""
    path = Path(path)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
