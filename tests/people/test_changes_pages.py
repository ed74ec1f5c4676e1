"""The pages and files of changes: what they show, to whom, and how much."""

import csv
import json
from datetime import timedelta

import pytest
from django.urls import reverse

from cages.models import Cage
from people.acting import because, named
from people.models import Change
from people.views.changes import LINES_A_PAGE
from tests.factories import at, make_cage, make_user
from tests.pages import queries_of, text_of

ADDRESS, FILE = reverse("changes"), reverse("changes-file")


@pytest.fixture
def watching(client_of, administrator):
    return client_of(administrator)


@pytest.fixture
def cage(db):
    return make_cage("Seven", room="R2", rack="B", row="B", column=7)


def renamed(cage, label, person="", reason=""):
    with named(person), because(reason):
        Cage.objects.filter(pk=cage.pk).update(label=label)


def test_a_move_is_one_line_with_who_and_why(watching, cage, client_of):
    form = {"room": "R2", "rack": "B", "row": "B", "column": "8"}
    client_of(cage.owner).post(reverse("cage-move", args=[cage.pk]), form)
    words = text_of(watching.get(ADDRESS))
    assert f"Cage {cage.pk} · Seven changed Bay: B-07 → B-08" in words
    assert f"{cage.owner.username} 127.0.0.1 · POST cage-move" in words


def test_what_nobody_named_is_told_as_that_with_the_databases_role(watching, cage):
    with named(""):
        Cage.objects.filter(pk=cage.pk).update(label="Eight")
    assert "nobody named" in text_of(watching.get(ADDRESS, {"text": "Eight"}))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"person": "GRACE"}, ["Grace"]),
        ({"text": "flooded"}, ["Heidi"]),
        ({"kind": "people_lab", "text": "Grace"}, []),
        ({"kind": "cages_cage", "person": "grace"}, ["Grace"]),
        ({"start": "2026-03-02", "end": "2026-03-02"}, []),
    ],
)
def test_it_is_filtered_by_person_kind_day_and_text(watching, cage, query, found):
    renamed(cage, "Grace", person="Grace H.")
    renamed(cage, "Heidi", reason="The room was flooded")
    lines = watching.get(ADDRESS, query).context["lines"]
    assert [line.change.words for line in lines] == found


def test_both_days_of_the_window_belong_to_it(watching, cage):
    today = Change.objects.newest_first()[0].at
    yesterday = (today - timedelta(days=2)).date().isoformat()
    tomorrow = (today + timedelta(days=2)).date().isoformat()
    assert watching.get(ADDRESS, {"start": yesterday, "end": tomorrow}).context["lines"]
    assert not watching.get(ADDRESS, {"start": tomorrow}).context["lines"]


@pytest.mark.parametrize("query", [{"start": "never"}, {"kind": "nothing"}, {"text": "a\x00"}])
def test_what_makes_no_sense_is_told_at_its_field(watching, cage, query):
    page = watching.get(ADDRESS, query)
    assert set(page.context["form"].errors) == set(query)
    assert page.status_code == 200


def test_no_change_that_fits_is_said_so(watching, db):
    assert "No change is noted that fits." in text_of(watching.get(ADDRESS, {"text": "x" * 50}))


def test_it_is_paged_newest_first_with_as_many_queries_for_2_as_for_60(watching, cage):
    few = queries_of(watching.get, ADDRESS, {"text": "Room"})
    for number in range(60):
        room, who = f"Room {number}", make_user() if number % 20 == 0 else None
        Cage.objects.filter(pk=cage.pk).move(room, "", at("08:00"), who)
    page = watching.get(ADDRESS, {"kind": "cages_cage"})
    assert queries_of(watching.get, ADDRESS, {"kind": "cages_cage"}) <= few + 4
    numbers = [line.change.pk for line in page.context["lines"]]
    assert len(numbers) == LINES_A_PAGE
    assert numbers == sorted(numbers, reverse=True)
    older = page.context["older"]
    assert f"?kind=cages_cage&amp;before={older}" in page.content.decode()
    rest = watching.get(ADDRESS, {"kind": "cages_cage", "before": older}).context["lines"]
    assert rest
    assert all(line.change.pk < older for line in rest)


def test_the_page_of_a_cage_tells_of_it_alone(client_of, cage):
    other = make_cage("Other", cage.owner)
    renamed(cage, "New name")
    renamed(other, "Another name")
    browser = client_of(cage.owner)
    words = text_of(browser.get(reverse("cage-changes", args=[cage.pk])))
    assert "Seven → New name" in words
    assert "Another name" not in words
    file = browser.get(reverse("cage-changes-file", args=[cage.pk])).content.decode()
    assert "New name" in file
    assert "Another name" not in file


def test_the_page_of_a_cage_is_found_from_it_by_who_may_change_it(client_of, cage):
    address = reverse("cage-changes", args=[cage.pk])
    page = client_of(cage.owner).get(cage.get_absolute_url()).content.decode()
    assert address in page


def test_a_cage_with_the_id_of_a_purged_one_tells_nothing_of_that(client_of, cage, watching):
    number = cage.pk
    renamed(cage, "Secret strain")
    Cage.objects.filter(pk=number).delete()
    other = make_user("anna")
    make_cage("Mine", owner=other, id=number)
    browser = client_of(other)
    page = browser.get(reverse("cage-changes", args=[number]))
    assert f"Cage {number} · Mine added" in text_of(page)
    for name in ("cage-changes", "cage-changes-file"):
        assert "Secret" not in browser.get(reverse(name, args=[number])).content.decode()
    assert "Secret strain" in text_of(watching.get(ADDRESS))


def test_a_purged_cage_is_still_told(watching, cage):
    number = cage.pk
    cage.delete()
    lines = watching.get(ADDRESS, {"text": "Seven"}).context["lines"]
    assert (lines[0].change.verb, lines[0].change.row) == ("deleted", str(number))
    assert lines[0].address == ""


def test_the_file_has_a_line_for_each_change_that_was_chosen(watching, cage):
    renamed(cage, 'Grace "the cat"', person="Grace H.", reason="because, and so on")
    text = watching.get(FILE, {"person": "Grace"}).content.decode()
    (row,) = csv.DictReader(text.splitlines())
    assert json.loads(row["before"]) == {"label": "Seven"}
    assert json.loads(row["after"]) == {"label": 'Grace "the cat"'}
    assert (row["by"], row["reason"]) == ("Grace H.", "because, and so on")


def test_markup_in_a_value_is_only_text(watching, cage):
    renamed(cage, "<b>bold</b>")
    assert "<b>bold" not in watching.get(ADDRESS).content.decode()


def test_the_file_holds_no_formula(watching, cage):
    renamed(cage, "=1+1", person="+Grace", reason="@SUM(1)")
    text = watching.get(FILE, {"person": "Grace"}).content.decode()
    (row,) = csv.DictReader(text.splitlines())
    assert (row["words"], row["by"], row["reason"]) == ("'=1+1", "'+Grace", "'@SUM(1)")
    assert json.loads(row["after"]) == {"label": "=1+1"}
