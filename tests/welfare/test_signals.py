"""What welfare tells once it is stored."""

import pytest
from django.db import transaction

from welfare.signals import changed_after_commit, concerns_changed


@pytest.fixture
def told():
    """One item for each time that it was told."""
    found = []

    def tell(**_facts):
        found.append(None)

    concerns_changed.connect(tell)
    yield found
    concerns_changed.disconnect(tell)


@pytest.fixture
def committed(db, django_capture_on_commit_callbacks):
    return django_capture_on_commit_callbacks


def test_many_changes_of_one_transaction_are_told_once(told, committed):
    with committed(execute=True):
        for _ in range(3):
            changed_after_commit()
    assert len(told) == 1


def test_a_change_after_one_that_was_undone_is_told(told, committed):
    with committed(execute=True):
        with transaction.atomic():
            changed_after_commit()
            transaction.set_rollback(True)
        changed_after_commit()
    assert len(told) == 1
