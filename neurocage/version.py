"""The version of Neurocage, as pyproject.toml names it."""

import tomllib

from django.conf import settings


def version() -> str:
    """The version, such as "1.2.0"."""
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
