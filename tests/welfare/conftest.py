"""The rules that every installation has."""

from datetime import UTC, datetime

import pytest

from welfare.models import Rule, RuleEdition
from welfare.rules.parameters import CLASSES, pack

SINCE = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _rules(request):
    """The default rules. A test that empties the tables takes them from those after it."""
    used = next((n for n in ("transactional_db", "db") if n in request.fixturenames), None)
    if used is None:
        return
    request.getfixturevalue(used)
    add_default_rules()


def add_default_rules():
    for kind, cls in CLASSES.items():
        rule, _ = Rule.objects.get_or_create(kind=kind, room=None, lab=None)
        if not rule.editions.exists():
            RuleEdition.objects.create(
                rule=rule, parameters=pack(cls()), proposed_at=SINCE, in_force_since=SINCE
            )
