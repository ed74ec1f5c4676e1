"""The version of Neurocage, as pyproject.toml names it."""

import tomllib
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


@cache
def version() -> str:
    """The version, such as "1.2.0"."""
    with PROJECT.open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
