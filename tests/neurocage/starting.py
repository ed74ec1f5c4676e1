"""The settings as a start reads them, in an environment in which nothing of ours is set."""

import re
import runpy
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = PROJECT / "neurocage" / "settings.py"
# {name: default}, as .env.example tells them.
EXAMPLE = dict(
    line.removeprefix("#").split("=", 1)
    for line in (PROJECT / ".env.example").read_text().splitlines()
    if re.match("#[A-Z]", line)
)
SECRET = "a secret of more than thirty-two characters"


def load():
    """Run the source of the settings, as at a start; their values by name."""
    values = runpy.run_path(str(SETTINGS))
    return {name: value for name, value in values.items() if name.isupper()}
