"""The rules that every installation has."""

from datetime import UTC, datetime

import pytest

from welfare.models import Rule, RuleEdition
from welfare.rules.parameters import CLASSES, pack

SINCE = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _rules(request):
    """The default rules. A test that empties the tables takes them from those after it."""
    mark = request.node.get_closest_marker("django_db")
    names = {"db"} if mark else set()
    if mark and mark.kwargs.get("transaction"):
        names = {"transactional_db"}
    names |= {"transactional_db", "db"} & set(request.fixturenames)
    if not names:
        return
    request.getfixturevalue("transactional_db" if "transactional_db" in names else "db")
    add_default_rules()


def add_default_rules():
    for kind, cls in CLASSES.items():
        rule, _ = Rule.objects.get_or_create(kind=kind, room=None, lab=None)
        if not rule.editions.exists():
            RuleEdition.objects.create(
                rule=rule, parameters=pack(cls()), proposed_at=SINCE, in_force_since=SINCE
            )
