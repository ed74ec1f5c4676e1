"""The direction of imports: what a package knows of the others."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("cages", "people", "welfare", "neurocage", "local_stack", "sensor_api")


def imports_of(package):
    """The modules of this project, and of django.db, that a package imports."""
    found = set()
    for path in (ROOT / package.replace(".", "/")).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith((*APPS, "django.db"))}


@pytest.mark.parametrize(
    ("package", "unknown"),
    [
        ("people", "cages welfare"),
        ("cages", "welfare"),
        ("welfare", "cages.drawing.charts cages.storage cages.forms"),
        (
            "cages.models",
            "cages.history cages.drawing cages.polling cages.storage cages.operations cages.views",
        ),
        (
            "cages.history",
            "cages.polling cages.storage cages.operations cages.drawing cages.views cages.forms",
        ),
        (
            "cages.rhythm",
            "cages.polling cages.storage cages.drawing cages.views cages.exporting django.db",
        ),
        (
            "cages.drawing",
            "cages.polling cages.storage cages.operations cages.views cages.forms django.db",
        ),
        ("cages.polling", "cages.drawing cages.views cages.forms"),
        ("cages.storage", "cages.history cages.operations cages.drawing cages.views cages.forms"),
        ("cages.doctor", "cages.drawing cages.views cages.forms"),
        ("cages.operations", "cages.polling cages.views cages.forms"),
        ("cages.api", "cages.views cages.polling cages.storage"),
        ("sensor_api", "cages people neurocage local_stack"),
        ("local_stack", "cages people"),
        *((app, "sensor_api") for app in ("cages", "people", "welfare", "neurocage")),
    ],
)
def test_imports_go_one_way(package, unknown):
    found = imports_of(package)
    assert found
    assert not [
        name for name in found for other in unknown.split() if f"{name}.".startswith(f"{other}.")
    ]
