"""Which animals lived in a cage when, and its group."""

from datetime import timedelta

import pytest

from cages.history.animals import stretches_of
from cages.history.window import DAY as ONE_DAY
from cages.history.window import Window
from tests.factories import DAY, at, make_animal, make_cage

pytestmark = pytest.mark.django_db
WINDOW = Window(at("00:00"), at("00:00") + 3 * ONE_DAY)


def test_a_window_is_cut_where_animals_come_and_go():
    cage = make_cage()
    make_animal(cage, "1", group="control")
    make_animal(cage, "2", since=DAY + ONE_DAY, until=DAY + 2 * ONE_DAY, group="treated")
    found = stretches_of([cage.pk], WINDOW)[cage.pk]
    assert [one.group for one in found] == ["control", "control + treated", "control"]
    assert [one.window.minutes for one in found] == [1440] * 3
    assert [[str(animal) for animal in one.animals] for one in found][1] == ["1", "2"]


def test_a_cage_without_animals_has_no_group():
    cage = make_cage()
    (found,) = stretches_of([cage.pk], WINDOW)[cage.pk]
    assert (found.window, found.group) == (WINDOW, "")


def test_many_cages_take_one_query(django_assert_num_queries):
    cages = [make_cage(), make_cage()]
    with django_assert_num_queries(1):
        stretches_of([cage.pk for cage in cages], WINDOW)


def test_age_is_known_from_the_birth_on():
    animal = make_animal(make_cage(), born_on=DAY)
    assert animal.age_days(DAY + timedelta(days=3)) == 3
    assert animal.age_days(DAY - timedelta(days=1)) is None
