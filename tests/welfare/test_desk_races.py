"""Two people at the same moment, on a real database."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from tests.factories import at, make_cage, make_user
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.models import Act, Concern, Finding

NOW = at("07:10")
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts):
    """Do all at the same moment; returns what each gave or raised."""
    barrier = Barrier(len(acts))

    def run(act):
        barrier.wait(timeout=10)
        try:
            return act()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_two_findings_at_once_one_counts_and_the_other_person_is_told():
    people = [make_user("vera"), make_user("viktor")]
    concern = make_concern(make_cage())
    seen = concern.trail.get().pk
    found = at_once(
        *(
            lambda person=person, finding=finding: desk.find(
                concern.pk, person, finding, "", NOW, after=seen
            )
            for person, finding in zip(people, (Finding.SICK, Finding.NORMAL), strict=True)
        )
    )
    assert sorted(type(one).__name__ for one in found) == ["Concern", "NotOpen"]
    assert concern.trail.filter(act=Act.FOUND).count() == 1


def test_of_two_concerns_by_hand_at_once_one_is_opened():
    cage, people = make_cage(), [make_user("vera"), make_user("viktor")]
    opened = at_once(
        *(lambda person=person: desk.open_by_hand(cage, person, "limps", NOW) for person in people)
    )
    assert sorted(type(one).__name__ for one in opened) == ["AlreadyOpen", "Concern"]
    assert Concern.objects.count() == 1


def test_two_that_tidy_at_once_note_a_lapsed_recheck_once():
    concern = make_concern(make_cage(), recheck_at=NOW)
    at_once(*[lambda: desk.tidy(NOW)] * 4)
    assert concern.trail.filter(act=Act.LAPSED).count() == 1
