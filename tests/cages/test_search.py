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


# The page


def labels(response):
    return [cage.label for cage in response.context["cages"]]


def test_a_cage_is_found_by_its_id(browser, user):
    make_cage("Colony", owner=user, id=117)
    make_cage("Other", owner=user, id=1170)
    for words in ("117", "#117", "cage 117", "Cage #117", " 117 ", "0117", "cage117"):
        assert labels(browser.get(LIST, {"q": words})) == ["Colony"]


def test_a_cage_is_found_by_a_part_of_its_label_in_any_case(browser, user):
    make_cage("C57 colony 4", owner=user)
    make_cage("PV-Cre pair", owner=user)
    for words in ("COLONY 4", "lony", "colony 4 ", "\x00colony 4"):
        assert labels(browser.get(LIST, {"q": words})) == ["C57 colony 4"]


def test_a_number_is_looked_for_in_labels_too(browser, user):
    make_cage("Cohort 117", owner=user, id=3)
    make_cage("Colony", owner=user, id=117)
    assert labels(browser.get(LIST, {"q": "117", "order": "id"})) == ["Cohort 117", "Colony"]


def test_odd_words_are_looked_for_and_not_found(browser, user):
    make_cage("Colony", owner=user, id=117)
    odd = ["2147483648", "9" * 100, "-1", "１１７", "²", "a" * 500, "cage", "#", "'; --", "\ud800"]
    for words in odd:
        response = browser.get(LIST, {"q": words.encode("utf-8", "surrogatepass")})
        assert (response.status_code, labels(response)) == (200, [])
    assert labels(browser.get(LIST, {"q": "\x00"})) == ["Colony"]


def test_500_characters_are_cut_to_what_a_label_can_hold(browser, user):
    make_cage("a" * 100, owner=user)
    assert labels(browser.get(LIST, {"q": "a" * 500})) == ["a" * 100]


def test_a_search_finds_nothing_of_somebody_else(browser, user):
    make_cage("Mine", owner=user, id=1)
    make_cage("Yours", id=2)
    for words in ("2", "yours"):
        assert labels(browser.get(LIST, {"q": words})) == []
