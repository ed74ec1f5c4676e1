"""The animals themselves as a file: one row for each animal in each cage, of all days."""

import csv
import io
from datetime import date

import openpyxl
import pytest
from django.urls import reverse

from tests.factories import at, make_animal, make_cage, make_user
from tests.pages import queries_of

NOW = at("12:00")
ADDRESS = reverse("cage-export-animals")
FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def cage(user):
    return make_cage("Colony", user)


def file_of(browser, **query):
    return b"".join(browser.get(ADDRESS, query).streaming_content)


def rows_of(browser, **query):
    text = file_of(browser, **{"format": "csv", "which": "all", **query}).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_an_animal_has_a_row_for_each_cage(browser, user, cage):
    den = make_cage("Den", user)
    facts = {"strain": "C57BL/6J", "genotype": "+/+", "protocol": "G 12", "group": "control"}
    animal = make_animal(cage, "M1", FEBRUARY, MARCH, sex="f", born_on=date(2026, 1, 1), **facts)
    animal.housings.create(cage=den, since=MARCH)
    first, second = rows_of(browser)
    assert first == {
        **{"cage_id": str(cage.pk), "label": "Colony", "animal": "M1", "sex": "f"},
        **{"born": "2026-01-01", **facts, "since": "2026-02-01", "until": "2026-03-01"},
        "archived": "",
    }
    assert (second["label"], second["since"], second["until"]) == ("Den", "2026-03-01", "")


def test_archived_cages_are_included(browser, user, cage):
    make_animal(cage, "M1")
    make_animal(make_cage("Gone", user, archived_at=at("05:00")), "M2")
    rows = rows_of(browser)
    assert [(row["label"], row["archived"]) for row in rows] == [
        ("Colony", ""),
        ("Gone", "2026-03-02"),
    ]
    assert [row["label"] for row in rows_of(browser, which="archived")] == ["Gone"]
    # In a condition such as Bad there are only active cages.
    assert [row["label"] for row in rows_of(browser, state="unseen")] == ["Colony"]


def test_cages_of_others_are_not_in_it(browser, cage):
    other = make_cage(owner=make_user("other"))
    make_animal(other, "M1")
    assert rows_of(browser) == rows_of(browser, which="", cage=other.pk) == []


def test_a_spreadsheet_takes_no_text_for_a_formula(browser, cage):
    make_animal(cage, "=1+1", since=FEBRUARY)
    book = openpyxl.load_workbook(io.BytesIO(file_of(browser, format="excel", which="all")))
    names, row = book.active.iter_rows()
    number = dict(zip((cell.value for cell in names), row, strict=True))["animal"]
    assert (number.value, number.data_type) == ("=1+1", "s")


def test_more_animals_do_not_cost_more_queries(browser, user, cage):
    make_animal(cage)
    few = queries_of(rows_of, browser)
    for _number in range(5):
        make_animal(make_cage(owner=user))
    assert queries_of(rows_of, browser) == few


def test_the_page_of_exports_leads_to_it(browser, cage):
    page = browser.get(reverse("cage-export"), {"which": "all"}).content.decode()
    assert f'action="{ADDRESS}"' in page
