"""What a release consists of, as `make sbom` and the build of the image write it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from neurocage.version import version
from tests.neurocage.test_requirements import locked

PROJECT = Path(__file__).resolve().parents[2]
TOOLS = PROJECT / ".venv-sbom/bin"
NODE = PROJECT / ".venv/bin"


def written(folder, *arguments):
    """The document that docker/make-sbom.sh writes with these arguments."""
    file = folder / "list.json"
    environment = os.environ | {"PATH": f"{TOOLS}:{NODE}:{os.environ['PATH']}"}
    command = ["sh", "docker/make-sbom.sh", *arguments, str(file)]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
    document = json.loads(file.read_text())
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "neurocage"
    assert document["metadata"]["component"]["version"] == version()
    return document


def packages(document):
    return {each["name"]: each["version"] for each in document["components"]}


def test_it_names_every_package_of_a_lock(tmp_path):
    if not (TOOLS / "cyclonedx-py").exists():
        pytest.skip("what lists the packages is not installed (make sbom)")
    document = written(tmp_path, "python", "requirements.lock")
    assert packages(document) == locked("requirements")
    hashes = [
        each["hashes"] for part in document["components"] for each in part["externalReferences"]
    ]
    assert len(hashes) == len(document["components"])


def test_it_names_every_package_that_a_browser_gets(tmp_path):
    found = packages(written(tmp_path, "npm"))
    lock = json.loads((PROJECT / "package-lock.json").read_text())["packages"]
    wanted = {
        path.removeprefix("node_modules/"): each["version"]
        for path, each in lock.items()
        if path and not each.get("dev") and not each.get("peer")
    }
    assert {"bootstrap", "htmx.org", "uplot", "idiomorph"} <= set(wanted)
    # bootstrap asks for popper, of which its style sheet needs nothing.
    assert set(found) - set(wanted) <= {"@popperjs/core"}
    assert wanted.items() <= found.items()


def test_the_image_holds_the_lists():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert re.search(r"COPY --from=sbom \S+ sbom/python.cdx.json", dockerfile)
    assert re.search(r"COPY --from=packages \S+ sbom/frontend.cdx.json", dockerfile)
