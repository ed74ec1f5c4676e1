"""Racks as they stand: which there are, what is where, what they hide, and what goes in."""

import re

import pytest
from django.urls import reverse

from cages.models import Cage, Condition, Health, Rack, Tally
from cages.models.place import row_label, row_number
from cages.places import grid
from tests.factories import at, make_cage, make_cycle, make_user, record_minute, slot
from tests.pages import queries_of, text_of

NOW = at("07:02:30")
INDEX, WALL = reverse("rack-index"), reverse("wall")
IN_B = {"room": "R2", "rack": "B"}
OF_A_RACK = ["rack-detail", "rack-sheet", "rack-fill"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def stand(owner, *places, **fields):
    """Cages of rack B of room R2 in these places: "A1", "C12", "7-3", or "" for none."""
    made = []
    for place in places:
        row, column = re.fullmatch(r"([A-Z]*|\d+-)(\d*)", place).groups()
        place = {**IN_B, "row": row.strip("-"), "column": int(column) if column else None}
        made.append(make_cage(owner=owner, **(place | fields)))
    return made


def url(name, **bay):
    """The address of a page about rack B of room R2."""
    rack = Rack.objects.get(name="B", room__name="R2")
    query = "&".join(f"{key}={value}" for key, value in bay.items())
    return reverse(name, args=(rack.pk,)) + (f"?{query}" if query else "")


def give_size(rows, columns):
    Rack.objects.update(row_count=rows, column_count=columns)


def grid_of(*places, taken=(), size=None):
    """The Grid of cages that are named like their places, without a database."""
    cages = []
    for number, (row, column) in enumerate(places):
        cage = Cage(id=number + 1, row=row, column=column, created_at=NOW)
        cage.label = f"{row}{column}"
        cages.append(cage)
    return grid.grid_of(size or Rack(name="B"), cages, taken, NOW)


def drawn(grid):
    """One word a bay: the cage's label, "taken", or "-"."""
    return {
        label: [bay.cage.label if bay.cage else "taken" if bay.is_taken else "-" for bay in row]
        for label, row in grid.rows
    }


def of_size(rows, columns, numbered=False):
    return Rack(row_count=rows, column_count=columns, rows_are_numbers=numbered, name="B")


# The grid


@pytest.mark.parametrize(
    ("row", "number"), [("A", 1), ("B", 2), ("Z", 26), ("AA", 27), ("AD", 30), ("7", 7)]
)
def test_a_row_is_counted_from_the_top(row, number):
    assert row_number(row) == number
    assert row_label(number, row.isdigit()) == row


@pytest.mark.parametrize(
    ("places", "size", "rows"),
    [
        ([("B", 3)], None, ["- - -", "- - B3"]),
        ([("A", 1)], (2, 3), ["A1 - -", "- - -"]),
        ([("B", 1), ("A", 3)], (1, 2), ["- - A3", "B1 - -"]),
    ],
)
def test_a_rack_is_as_large_as_somebody_said_and_as_its_cages_need(places, size, rows):
    grid = grid_of(*places, size=size and of_size(*size))
    assert drawn(grid) == {row: bays.split() for row, bays in zip("AB", rows, strict=True)}


def test_rows_may_be_numbers():
    assert list(drawn(grid_of(("3", 1), ("10", 2)))) == [str(n) for n in range(1, 11)]


def test_letters_and_numbers_in_one_rack_are_all_there():
    grid = grid_of(("B", 1), ("A", 1), ("3", 2))
    assert drawn(grid) == {"A": ["A1", "-"], "B": ["B1", "-"], "3": ["-", "32"]}
    assert grid.extent == (2, 2)
    assert list(drawn(grid_of(("B", 1), ("2", 1), size=of_size(1, 1, True)))) == ["1", "2", "B"]


@pytest.mark.parametrize(("row", "column"), [("ZZ", 1), ("A", 999), ("999", 1)])
def test_a_bay_that_no_rack_has_makes_no_monstrous_grid(row, column):
    grid = grid_of(("A", 1), (row, column))
    assert drawn(grid) == {"A": ["A1"]}
    assert len(grid.beside) == 1


def test_cages_without_row_or_column_stand_beside():
    grid = grid_of(("", None), ("B", None), ("", 3))
    assert (grid.rows, len(grid.columns), len(grid.beside)) == ([], 0, 3)


def test_bays_of_others_are_taken_and_make_the_rack_larger():
    grid = grid_of(("A", 1), taken=[("B", 2), ("", 3)])
    assert drawn(grid) == {"A": ["A1", "-"], "B": ["-", "taken"]}


# The index


def test_without_racks_the_index_says_what_to_do(browser):
    page = text_of(browser.get(INDEX))
    assert "No racks yet" in page
    assert "Add the first cage" in page


def test_rooms_and_racks_are_found_whatever_their_case_in_natural_order(browser, user):
    for room, rack in (
        ("R10", "A"),
        ("R2", "B10"),
        ("r2", "b2"),
        ("R2", "B2"),
        ("R2", ""),
        ("",) * 2,
    ):
        make_cage(owner=user, room=room, rack=rack)
    make_cage(owner=user, room="R3", rack="C", archived_at=NOW)
    make_cage(room="R4", rack="D")
    for cage in Cage.objects.all():
        record_minute(cage, slot("07:00"), Health.OK)
    rooms = [room for room, _racks in browser.get(INDEX).context["rooms"]]
    assert [room.name for room in rooms] == ["R2", "R10", ""]
    assert [(rack.name, rack.counts.total) for rack in rooms[0].racks] == [
        ("b2", 2),
        ("B10", 1),
        ("", 1),
    ]


def test_the_counts_are_worst_first_and_always_tell_of_trouble(browser, user):
    bad, ok, _unseen = stand(user, "A1", "A2", "A3")
    record_minute(bad, slot("07:00"), Health.BAD)
    record_minute(ok, slot("07:00"), Health.OK)
    response = browser.get(INDEX)
    ((room, _racks),) = response.context["rooms"]
    wanted = {Condition.BAD: 1, Condition.UNSEEN: 1, Condition.OK: 1}
    assert list(room.racks[0].counts.conditions.items()) == list(wanted.items())
    assert room.counts.conditions == wanted
    assert "1 Bad 1 Unseen 1 Ok" in text_of(response)
    assert Tally().conditions == {Condition.BAD: 0, Condition.UNSEEN: 0}
    assert "<title>(2)" in " ".join(response.content.decode().split()).replace("> (", ">(")


# One rack


@pytest.mark.parametrize("name", OF_A_RACK)
def test_a_rack_of_others_is_not_found(browser, client_of, staff, name):
    stand(make_user(), "A2")
    address = url(name, row="A", column=1)
    assert browser.get(address).status_code == 404
    assert client_of(staff).get(address).status_code == 200


def test_an_archived_cage_leaves_its_rack(browser, user):
    stand(user, "A1", archived_at=NOW)
    assert browser.get(url("rack-detail")).status_code == 404


def test_each_cage_is_in_its_cell_with_state_age_and_the_way_to_it(browser, user):
    bad, *_rest = stand(user, "B2", "A1")
    record_minute(bad, slot("07:00"), Health.BAD)
    page = browser.get(url("rack-detail"))
    cell = re.search(rf'<td [^>]*id="cage-{bad.pk}".*?</td>', page.content.decode(), re.S)[0]
    assert "is-bad" in cell
    assert bad.get_absolute_url() in cell
    assert '<time datetime="2026-03-02T07:00:00+01:00">' in cell
    words = text_of(page)
    assert f"Bad for at least 1 min read 2 min ago {bad.label} , B-02" in words
    assert words.count("empty : Move a cage to") == 2


def test_cages_without_a_bay_are_listed_beside_the_grid(browser, user):
    placed, loose = stand(user, "A1", "")
    page = browser.get(url("rack-detail")).content.decode()
    after = page.partition("No bay")[2]
    assert f'id="cage-{loose.pk}"' in after
    assert reverse("cage-move", args=(loose.pk,)) in after
    assert f'id="cage-{placed.pk}"' not in after


def test_a_rack_without_any_bay_says_so(browser, client_of, user, staff):
    stand(user, "")
    page = text_of(browser.get(url("rack-detail")))
    assert "No cage of this rack has a row and a column yet" in page
    assert "Set the size of the rack" not in page
    assert "Set the size of the rack" in text_of(client_of(staff).get(url("rack-detail")))


@pytest.mark.parametrize("name", ["rack-detail", "rack-sheet"])
def test_nothing_of_others_is_shown_but_that_their_bay_is_taken(browser, user, name):
    stand(user, "A1")
    other = make_user("secretive")
    (hidden,) = stand(other, "A2", label="Hidden cage", strain="Rare")
    stand(other, "", label="Hidden cage without a bay")
    record_minute(hidden, slot("07:00"), Health.BAD)
    response = browser.get(url(name))
    page = response.content.decode()
    assert "taken" in text_of(response)
    for word in ("Hidden cage", "secretive", "Rare", f"/cages/{hidden.pk}/", "bay-bad"):
        assert word not in page
    assert "0 Bad 1 Unseen" in text_of(response)


def test_staff_see_all_cages_of_a_rack(client_of, user, staff):
    stand(user, "A1")
    stand(make_user(), "A2")
    page = text_of(client_of(staff).get(url("rack-detail")))
    assert "taken" not in page
    assert "Name and size" in page


def test_names_with_odd_signs_are_only_text(browser, user):
    (cage,) = stand(user, "A1", room="R & D", rack="50% <b>")
    address = reverse("rack-detail", args=(cage.rack_id,))
    assert f'href="{address}"' in browser.get(INDEX).content.decode()
    assert "Rack 50% &lt;b&gt;" in browser.get(address).content.decode()


def test_an_unchanged_rack_is_a_304(browser, user):
    stand(user, "A1")
    etag = browser.get(url("rack-detail"), headers={"HX-Request": "true"})["ETag"]
    headers = {"HX-Request": "true", "If-None-Match": etag}
    assert browser.get(url("rack-detail"), headers=headers).status_code == 304
    make_cycle(slot("07:02"), planned=1)
    assert browser.get(url("rack-detail"), headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("address", "most"),
    [
        (lambda room: INDEX, 10),
        (lambda room: url("rack-detail"), 11),
        (lambda room: url("rack-sheet"), 8),
        (lambda room: url("rack-fill", row="A", column=3), 8),
        (lambda room: WALL, 8),
        (lambda room: f"{WALL}?room={room}", 8),
    ],
)
def test_pages_take_as_many_queries_for_2_cages_as_for_80(browser, user, address, most):
    cage, _loose = stand(user, "A1", "")
    address = address(cage.room_id)
    give_size(2, 3)

    before = queries_of(browser.get, address)
    stand(user, *(f"{row}{n}" for row in "BCDEFGHI" for n in range(1, 11)))
    stand(make_user(), "A2")
    assert before == queries_of(browser.get, address) <= most


# Its sheet


def test_the_sheet_says_what_paper_needs(browser, user):
    fields = {"label": "Colony 4", "strain": "PV-Cre", "animal_count": 3, "id": 117}
    (cage,) = stand(user, "A1", **fields)
    record_minute(cage, slot("06:30"), Health.OK)
    page = text_of(browser.get(url("rack-sheet")))
    assert "As of 2026-03-02 07:02 (Europe/Berlin) · 1 cage" in page
    assert "Unseen last known Ok, 06:30 117 · Colony 4 ruth · PV-Cre · 3 animals" in page


def test_the_sheet_of_a_cage_that_is_known_gives_the_time_and_no_age(browser, user):
    cage, _new, _loose, late = stand(user, "A1", "A2", "", "A3")
    record_minute(cage, slot("07:00"), Health.PERFECT)
    record_minute(late, slot("06:54"), Health.PERFECT)
    page = text_of(browser.get(url("rack-sheet")))
    assert f"Perfect last known 06:54 {late.pk}" in page
    assert f"Perfect 07:00 {cage.pk} · {cage.label} ruth" in page
    assert "no reading yet" in page
    assert "No bay" in page
    assert " ago" not in page.partition("As of")[2].partition("Last full cycle")[0]


# What goes into an empty bay


def test_an_empty_bay_offers_the_nearest_cages_first(browser, user):
    make_cage("A far one", user)
    stand(user, "A1", label="C same rack")
    make_cage("B same room", user, room="r2")
    stand(user, "", label="D no bay")
    make_cage("E archived", user, archived_at=NOW)
    make_cage("F of others")
    page = browser.get(url("rack-fill", row="A", column=1))
    assert "There is now a cage in A-01." in text_of(browser.get(page["Location"]))
    give_size(2, 2)
    page = browser.get(url("rack-fill", row="b", column="02"))
    labels = [cage.label for cage in page.context["cages"]]
    assert labels == ["D no bay", "C same rack", "B same room", "A far one"]
    assert "Move a cage to B-02" in text_of(page)
    href = re.search(r'href="(/cages/\d+/move/[^"]+)"', page.content.decode())[1]
    form = browser.get(href.replace("&amp;", "&")).context["form"]
    assert form.initial | {"room": "R2", "rack": "B", "row": "B", "column": "2"} == form.initial


def test_cages_for_a_bay_can_be_searched(browser, user):
    stand(user, "A2")
    for number in range(30):
        make_cage(f"Colony {number}", user)
    address = url("rack-fill", row="A", column=1)
    page = browser.get(address)
    assert len(page.context["cages"]) == 20
    assert "There are more cages." in text_of(page)
    page = browser.get(address + "&q=colony+29")
    assert [cage.label for cage in page.context["cages"]] == ["Colony 29"]
    assert "No cages match this filter." in text_of(browser.get(address + "&q=nothing"))


@pytest.mark.parametrize("bay", [{}, {"row": "Z", "column": 1}, {"row": "A", "column": "%00"}])
def test_a_bay_that_the_rack_has_not_is_not_found(browser, user, bay):
    stand(user, "A1")
    assert browser.get(url("rack-fill", **bay)).status_code == 404
