"""Which animals lived in a cage when, and its group."""

from datetime import date, timedelta
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from cages.history.animals import stretches_of
from cages.history.window import DAY as ONE_DAY
from cages.history.window import Window
from cages.models import Housing
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


@pytest.mark.parametrize("days", [{"since": date(1, 1, 1)}, {"until": date(9999, 12, 31)}])
def test_the_database_refuses_days_outside_of_the_known_years(days):
    with pytest.raises(IntegrityError, match="in_known_years"), transaction.atomic():
        make_animal(make_cage(), **days)


def test_days_outside_of_the_known_years_were_bounded():
    """Migration 0010."""
    migration = import_module("cages.migrations.0011_days_of_housing")
    constraint = next(
        one for one in Housing._meta.constraints if one.name == "cages_housing_in_known_years"
    )
    cage, first = make_cage(), date(1970, 1, 1)
    with connection.schema_editor() as editor:
        editor.remove_constraint(Housing, constraint)
        for number, since, until in [
            ("stays", date(1, 1, 1), None),
            ("left", date(1, 1, 1), date(1969, 5, 1)),
            ("left later", date(1, 1, 1), date(9999, 5, 1)),
            ("right", DAY, None),
        ]:
            make_animal(cage, number, since, until)
        twice = make_animal(cage, "twice", date(1, 1, 1))
        Housing.objects.create(animal=twice, cage=cage, since=first)
        migration.bound(None, editor)
        # The rows were made in the same transaction, and still wait for the check of their animals.
        editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        editor.add_constraint(Housing, constraint)
    found = Housing.objects.order_by("animal__number").values_list(
        "animal__number", "since", "until"
    )
    assert list(found) == [
        ("left later", first, None),
        ("right", DAY, None),
        ("stays", first, None),
        ("twice", first, None),
    ]
