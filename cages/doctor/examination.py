"""Runs all checks at the same time, so that one that hangs keeps no other from its finding."""

import threading
import time
from collections.abc import Sequence

from django.db import connections

from cages.doctor.findings import Check, Finding, wrong
from neurocage.secrecy import without_secrets

# For all checks together. A check limits each of its steps as well, but not always their sum.
DEADLINE_SECONDS = 20.0


def examine(checks: Sequence[Check], deadline_seconds: float = DEADLINE_SECONDS) -> list[Finding]:
    """Return the findings in the order of the checks, when all have ended or at the deadline.

    A check that has not ended goes on in a thread that ends with the process.
    """
    until = time.monotonic() + deadline_seconds
    running = [_Running(check) for check in checks]
    findings: list[Finding] = []
    for each in running:
        each.thread.join(max(0.0, until - time.monotonic()))
        # A copy, because the check may go on.
        found = list(each.found)
        if each.thread.is_alive():
            found.append(_hangs(each.check, deadline_seconds))
        findings += found
    return findings


class _Running:
    def __init__(self, check: Check) -> None:
        self.check = check
        self.found: list[Finding] = []
        self.thread = threading.Thread(target=self._run, name=check.part, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            for finding in self.check.look():
                self.found.append(finding)
        except Exception as error:
            said = without_secrets(" ".join(str(error).split()))[:300]
            words = f"It could not be examined: {type(error).__name__}: {said}"
            self.found.append(wrong(self.check.part, words, "See whether it runs and answers."))
        finally:
            # Those of this thread.
            connections.close_all()


def _hangs(check: Check, seconds: float) -> Finding:
    words = f"It did not answer within {seconds:.0f} s."
    return wrong(check.part, words, "See whether it runs, and whether a firewall is in between.")
