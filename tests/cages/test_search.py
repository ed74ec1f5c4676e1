"""The search of the list: by anything that a page says of a cage, however it is written."""

import unicodedata

import pytest
from django.urls import reverse
from django.utils import translation

from cages.models import Cage
from people.models import Lab
from tests.factories import make_cage, make_user

LIST = reverse("cage-list")


@pytest.fixture
def cages(db):
    """Three cages of two labs. Only "Wanted" has what the tests search for."""
    ruth, jose = make_user("ruth"), make_user("josé")
    Lab.objects.get(own_of=jose).delete()
    lab = Lab(name="Lab für Schlaf", own_of=jose)
    lab.save()
    place = {"room": "Süd 2", "rack": "Regal Ω", "row": "B", "column": 7}
    make_cage("Other", ruth, id=1, room="Nord", rack="K", row="C", column=12, strain="C57BL/6J")
    make_cage("Wanted", jose, id=2, strain="PV-Cre  Ärger", **place)
    make_cage("7-07", ruth, id=3, room="Nord", rack="N", row="7", column=7)
    return Cage.objects.all()


def found(cages, words):
    return sorted(cages.matching(words).values_list("pk", flat=True))


@pytest.mark.parametrize(
    "words",
    ["wanted", "WAN TED", "pv-cre ärger", "PVCRE ÄRGER".replace("PV", "PV-"), "süd", "Süd\u00a02"]
    + ["süd2", unicodedata.normalize("NFD", "SÜD"), "regal ω", "Ω", "rack Ω", "b-07", "B7", "b 7"]
    + ["B-7", "José", unicodedata.normalize("NFD", "JOSÉ"), "schlaf", "LAB FÜR", "2"],
)
def test_each_field_is_found_however_it_is_written(cages, words):
    assert found(cages, words) == [2]


@pytest.mark.parametrize(
    "words", ["süd b-07", "josé PV-Cre", "Süd 2 · rack Regal Ω · B-07", "schlaf · süd 2"]
)
def test_words_of_several_fields_are_found_together(cages, words):
    assert found(cages, words) == [2]


def test_a_position_is_found_as_the_german_page_writes_it(cages):
    with translation.override("de"):
        assert found(cages, cages.get(pk=2).position) == [2]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("sud", []),
        ("josé nord", []),
        ("%", []),
        ("_", []),
        ("b-08", []),
        ("7-7", [3]),
        ("nord", [1, 3]),
        ("nord ruth", [1, 3]),
        ("·", []),
        ("b-9999999999", []),
    ],
)
def test_nothing_else_is_found(cages, words, ids):
    assert found(cages, words) == ids


def test_a_number_among_words_stands_alone(db):
    for number, label in enumerate(("Cage 6", "Cage 60", "Cage B", "Cage 16"), 61):
        make_cage(label, id=number, strain="C57BL/6J", room="K6")
    make_cage("Cage C", id=65, room="6 North")
    assert found(Cage.objects.all(), "cage 6") == [61, 62, 65]


def test_a_search_takes_no_query_of_its_own(cages, django_assert_num_queries):
    with django_assert_num_queries(1):
        found(cages, "nord ruth")


def test_the_admin_site_finds_the_same(client_of, administrator, cages):
    page = client_of(administrator).get(reverse("admin:cages_cage_changelist"), {"q": "süd2"})
    assert [cage.pk for cage in page.context["cl"].queryset] == [2]
    people = client_of(administrator).get(reverse("admin:people_user_changelist"), {"q": "JOSÉ"})
    assert [person.username for person in people.context["cl"].queryset] == ["josé"]
