"""No file of the project holds a secret that opens something."""

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
# By their form. ruff (S105 to S107) looks for passwords written into Python.
SECRETS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\n",
    "a token of Neurocage": r"\bnc_[A-Za-z0-9_-]{40,}",
    "a key of AWS": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a token of GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})",
    "a token of GitLab": r"\bglpat-[A-Za-z0-9_-]{20}",
    "a token of Slack": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "an address of Slack or Teams": r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/\w{20,}"
    r"|webhook\.office\.com/webhookb2/[0-9a-f-]{36}@",
    "a token of npm or PyPI": r"\bnpm_[A-Za-z0-9]{36}|\bpypi-[A-Za-z0-9_-]{50,}",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "a password in an address": r"\b(?:postgres(?:ql)?|redis)s?://\w*:(?=\w*\d)[A-Za-z0-9_-]{20,}@",
    "a secret key that is set": r"(?m)^\s*(?:export )?SECRET_KEY\s*[=:]\s*[\"']?"
    r"(?!only-)[\w-]{40,}",
}


def files():
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=PROJECT, text=True
    )
    return [PROJECT / path for path in listed.splitlines() if (PROJECT / path).is_file()]


def secrets_in(text):
    return [what for what, form in SECRETS.items() if re.search(form, text)]


def test_no_file_holds_a_secret():
    found = {
        str(path.relative_to(PROJECT)): secrets_in(path.read_text(errors="replace"))
        for path in files()
    }
    assert len(found) > 100
    assert not {path: what for path, what in found.items() if what}


# In two parts, so that this file holds none.
@pytest.mark.parametrize(
    ("begin", "rest"),
    [
        ("-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE"),
        ("nc", "_" + "a1B2" * 11),
        ("AKIA", "ABCDEFGHIJKLMNOP"),
        ("ghp", "_" + "a" * 36),
        ("glpat", "-" + "a" * 20),
        ("xoxb", "-123456789012-abc"),
        ("hooks.slack.com", "/services/T0AB/B0CD/" + "a" * 24),
        ("npm", "_" + "a" * 36),
        ("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0In0.abcdefghijkl"),
        ("postgresql", "://neurocage:" + "s3cr" * 6 + "@db/neurocage"),
        ("SECRET_KEY", "=" + "s3cr" * 12),
    ],
)
def test_each_form_of_a_secret_is_found(begin, rest):
    assert secrets_in(begin + rest)
    assert not secrets_in(begin)
