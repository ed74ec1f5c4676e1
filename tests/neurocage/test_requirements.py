"""requirements*.txt name what was chosen; the .lock beside each pins all of it, with hashes."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
NAMES = (
    *("requirements", "requirements-parquet", "requirements-local", "requirements-dev"),
    "sensor_api/requirements",
)


def chosen(file):
    """{name: version} of a requirements file and the files that it includes."""
    found = {}
    for line in file.read_text().splitlines():
        if included := line.removeprefix("-r ") if line.startswith("-r ") else None:
            found |= chosen(file.parent / included)
        elif line and not line.startswith("#"):
            name, version = line.split("==")
            found[canonicalize_name(Requirement(name).name)] = version
    return found


def locked(name):
    """{name: version} of a lock. Every package in it has a hash."""
    text = (PROJECT / f"{name}.lock").read_text()
    packages = re.findall(r"^(\S+?)(?:\[.*?\])?==(\S+)(.*(?:\n .*)*)", text, re.MULTILINE)
    assert all("--hash=sha256:" in rest for _, _, rest in packages)
    assert "://" not in text
    return {canonicalize_name(package): version for package, version, _ in packages}


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_holds_what_was_chosen_at_the_versions_of_the_tests(name):
    lock = locked(name)
    assert chosen(PROJECT / f"{name}.txt").items() <= lock.items()
    assert lock.items() <= locked("requirements-dev").items()


def test_what_writes_the_list_of_packages_is_locked_and_apart_from_the_tests():
    lock = locked("requirements-sbom")
    assert chosen(PROJECT / "requirements-sbom.txt").items() <= lock.items()
    # With it, openpyxl would read workbooks in another way than in production.
    assert "lxml" in lock
    assert not {"lxml", "defusedxml"} & set(locked("requirements-dev"))
