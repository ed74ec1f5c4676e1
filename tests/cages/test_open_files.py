"""How many polls at once the limit of open files allows."""

import resource

import pytest

from cages.polling.poller import Poller


class Files:
    """Plays the limits of open files."""

    def __init__(self, monkeypatch, soft, hard, refuses=False):
        self.soft, self.hard, self.refuses = soft, hard, refuses
        monkeypatch.setattr(resource, "getrlimit", lambda kind: (self.soft, self.hard))
        monkeypatch.setattr(resource, "setrlimit", self.set)

    def set(self, kind, limits):
        if self.refuses:
            raise ValueError("current limit exceeds maximum limit")
        self.soft, self.hard = limits


NO_LIMIT = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "soft_then"),
    [
        (20_000, 20_000, 20_000),
        (1024, 20_000, 1100),
        (1024, NO_LIMIT, 1100),
        (NO_LIMIT, NO_LIMIT, NO_LIMIT),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_needed(
    monkeypatch, caplog, soft, hard, soft_then
):
    files = Files(monkeypatch, soft, hard)
    assert Poller("http://sensors.test", 1000, 60)._loop.most == 1000
    assert (files.soft, files.hard) == (soft_then, hard)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("hard", "refuses", "holds", "fewer"),
    [(600, False, 600, 500), (50, False, 50, 1), (NO_LIMIT, True, 256, 156)],
)
def test_too_few_open_files_are_said_and_lived_with(
    monkeypatch, caplog, hard, refuses, holds, fewer
):
    Files(monkeypatch, min(256, holds), hard, refuses)
    assert Poller("http://sensors.test", 1000, 60)._loop.most == fewer
    assert (
        f"POLL_CONCURRENCY=1000 needs 1100 open files, but this process may hold {holds}: "
        f"{fewer} polls at once." in caplog.text
    )
