"""The environment of a start."""

import os

import pytest

from tests.neurocage.starting import EXAMPLE


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """The environment of this test: nothing of ours is set, and no stack is running."""
    kept = {name: value for name, value in os.environ.items() if name not in EXAMPLE}
    monkeypatch.setattr(os, "environ", kept | {"STATE_DIR": str(tmp_path)})
    return os.environ
