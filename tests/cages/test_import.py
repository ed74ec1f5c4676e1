"""Cages from a file: what it would do, what it then does, and what it refuses."""

import base64
import zlib

import pytest

from cages.importing.packing import packed
from cages.importing.plan import plan_of
from cages.importing.sheet import rows_of
from cages.models import Cage, CageEvent, EventKind, Rack, Room
from tests.factories import at, make_cage, make_user
from tests.imports import IMPORT, confirm, import_file, numbers, reasons, upload
from tests.pages import text_of

pytestmark = pytest.mark.django_db
THREE = """id,label,room,rack,row,column,strain,animal_count,notes,is_polled
117,C57 colony 4,R2,B,b,7,C57BL/6J,5,on wet food,yes
118,PV-Cre pair,R2,B,B,8,PV-Cre,2,"two
lines",no
119,Blank one,,,,,,,,
"""


def places():
    return {cage.pk: cage.position for cage in Cage.objects.order_by("pk")}


# The dry run, and after it


def test_nothing_is_written_before_it_is_confirmed(browser, user):
    dry_run = upload(browser, THREE)
    assert numbers(dry_run.context["plan"].new) == [2, 3, 4]
    assert "117 · C57 colony 4 R2 · rack B · B-07 ruth" in text_of(dry_run)
    assert "Import 3 cages" in text_of(dry_run)
    assert not Cage.objects.exists()
    page = confirm(browser, dry_run)
    assert "Imported: 3 new, 0 changed, 0 unchanged, 0 refused." in text_of(page)
    cage = Cage.objects.get(pk=118)
    assert (cage.owner, cage.notes, cage.is_polled) == (user, "two\nlines", False)
    assert (cage.row, cage.column, cage.animal_count) == ("B", 8, 2)
    assert Cage.objects.get(pk=119).is_polled


def test_the_same_file_again_changes_nothing(browser):
    import_file(browser, THREE)
    before = list(Cage.objects.order_by("pk").values())
    again = upload(browser, THREE)
    assert numbers(again.context["plan"].unchanged) == [2, 3, 4]
    assert "all cages are already as in the file" in text_of(again)
    assert "2–4" in text_of(again)
    confirm(browser, again)
    assert list(Cage.objects.order_by("pk").values()) == before
    assert not CageEvent.objects.exists()


@pytest.mark.parametrize("names", [("North", "South"), ("ΡΟΔΟΣ", "İzmir"), ("Straße", "ŉ ǰ ΐ")])
def test_the_same_file_without_ids_changes_nothing_either(browser, names):
    """Python alone compares names: PostgreSQL has other small letters for some of these."""
    text = "label,room\n" + "".join(f"{name},{name}\n" for name in names)
    import_file(browser, text)
    assert Cage.objects.count() == 2
    for again in (text, text.upper().replace("LABEL,ROOM", "label,room")):
        assert numbers(upload(browser, again).context["plan"].unchanged) == [2, 3]


def test_a_change_shows_each_field_before_and_after(browser, user):
    make_cage("Old name", user, id=7, room="R1", animal_count=3)
    make_cage("As it is", user, id=8)
    dry_run = upload(browser, "id,label,room,animal_count\n7,New name,,4\n8,As it is,,\n")
    (row,) = dry_run.context["plan"].changed
    assert row.changes == [
        ("label", "Old name", "New name"),
        ("room", "R1", ""),
        ("animal_count", "3", "4"),
    ]
    assert "Room R1 → empty" in text_of(dry_run)
    assert numbers(dry_run.context["plan"].unchanged) == [3]
    before = Cage.objects.get(pk=7).updated_at
    confirm(browser, dry_run)
    cage = Cage.objects.get(pk=7)
    assert (cage.label, cage.room_name, cage.animal_count) == ("New name", "", 4)
    assert cage.updated_at > before


def test_columns_that_are_not_there_stay_as_they_are(browser, user):
    make_cage("Keep", user, id=7, room="R1", rack="B", notes="kept", is_polled=False)
    import_file(browser, "id,strain\n7,PV-Cre\n")
    cage = Cage.objects.get(pk=7)
    assert (cage.position, cage.notes, cage.is_polled) == ("R1 · rack B", "kept", False)
    assert cage.strain == "PV-Cre"


def test_moves_and_pauses_become_events_of_the_person(browser, user):
    make_cage("Mover", user, id=7, room="R1")
    make_cage("Sleeper", user, id=8)
    make_cage("Waker", user, id=9, is_polled=False)
    import_file(browser, "id,room,is_polled\n7,R2,yes\n8,,no\n9,,yes\n")
    events = CageEvent.objects.order_by("cage").values_list("cage", "kind", "before", "after")
    assert list(events) == [
        (7, EventKind.MOVED, "R1", "R2"),
        (8, EventKind.PAUSED, "", ""),
        (9, EventKind.RESUMED, "", ""),
    ]
    assert {event.person for event in CageEvent.objects.all()} == {user}


def test_ids_given_out_afterwards_are_free_ones(browser):
    first = make_cage().pk
    taken = first + 2
    import_file(browser, f"id,label\n{taken},Given\n,Next\n,Next but one\n")
    assert Cage.objects.count() == 4
    assert make_cage().pk > taken


# Confirmation


def test_what_would_do_something_else_by_now_is_shown_again(browser, user):
    make_cage("Old", user, id=7)
    dry_run = upload(browser, "id,label\n7,New\n")
    Cage.objects.filter(pk=7).update(label="Changed meanwhile")
    page = confirm(browser, dry_run)
    assert "nothing was imported. Check the new preview." in text_of(page)
    assert Cage.objects.get(pk=7).label == "Changed meanwhile"
    confirm(browser, page)
    assert Cage.objects.get(pk=7).label == "New"


def test_refused_rows_are_left_out_and_the_others_imported(browser):
    dry_run = upload(browser, "id,label\n7,Good\n8,\n")
    assert reasons(dry_run) == {3: "Label: This field is required."}
    assert "Refused rows are not imported." in text_of(dry_run)
    assert "1 new, 0 changed, 0 unchanged, 1 refused" in text_of(confirm(browser, dry_run))
    assert list(places()) == [7]


@pytest.mark.parametrize("text", ["", "%%%", "eJw=", "YWJj", packed(rows_of(THREE.encode()))[:80]])
def test_a_file_that_does_not_come_back_whole_is_asked_for_again(browser, text):
    page = browser.post(IMPORT, {"packed": text, "fingerprint": ""})
    assert "The file was not sent completely. Choose it again." in text_of(page)


@pytest.mark.parametrize(
    "text",
    [b"id,label\r\n2,,7," + b"A" * 50_000_000, b"nonsense\r\n2,,7", b"id\r\nx,,7", b"id\r\n"],
)
def test_what_no_preview_can_have_sent_is_refused(browser, text):
    code = base64.b64encode(zlib.compress(text)).decode()
    page = browser.post(IMPORT, {"packed": code, "fingerprint": ""})
    assert "The file was not sent completely. Choose it again." in text_of(page)


# Whose cages


def test_somebody_elses_cage_is_not_touched(browser):
    make_cage("Theirs", id=7)
    dry_run = upload(browser, "id,label\n7,Mine\n")
    assert "somebody else" in reasons(dry_run)[2]
    confirm(browser, dry_run)
    assert Cage.objects.get(pk=7).label == "Theirs"


def test_another_owner_is_facility_staffs_to_name(browser, client_of, staff, user):
    max_ = make_user("max")
    text = "id,label,owner\n7,Seven,max\n8,Eight,nobody\n9,Nine,\n"
    assert set(reasons(upload(browser, text))) == {2, 3}
    dry_run = upload(client_of(staff), text)
    assert reasons(dry_run) == {3: "Owner: There is no active account “nobody”."}
    confirm(client_of(staff), dry_run)
    assert Cage.objects.get(pk=7).owner == max_
    assert Cage.objects.get(pk=9).owner == staff
    assert numbers(upload(client_of(staff), text).context["plan"].unchanged) == [2, 4]


def test_an_owner_without_an_account_may_stay(client_of, staff):
    gone = make_user("gone", is_active=False)
    make_cage("Orphan", gone, id=7)
    dry_run = upload(client_of(staff), "id,label,owner\n7,Renamed,gone\n")
    assert reasons(dry_run) == {}


def test_labels_are_told_apart_by_owner_and_never_guessed(client_of, staff):
    make_cage("Twin", make_user("ann"), id=7)
    make_cage("Twin", make_user("bob"), id=8)
    text = "label,owner,room\nTwin,bob,R2\nTwin,,R3\n"
    dry_run = upload(client_of(staff), text)
    assert reasons(dry_run) == {3: "2 cages have this label. Enter the id."}
    confirm(client_of(staff), dry_run)
    assert places() == {7: "", 8: "R2"}


# Places


def test_cages_change_places_within_one_file(browser, user):
    make_cage("A", user, id=1, rack="B", row="A", column=1)
    make_cage("B", user, id=2, rack="B", row="A", column=2)
    make_cage("C", user, id=3, rack="B", row="A", column=3)
    dry_run = upload(browser, "id,row,column\n1,A,2\n2,A,3\n3,A,1\n")
    assert reasons(dry_run) == {}
    confirm(browser, dry_run)
    assert places() == {1: "rack B · A-02", 2: "rack B · A-03", 3: "rack B · A-01"}
    assert CageEvent.objects.filter(kind=EventKind.MOVED).count() == 3


def test_a_bay_that_is_taken_is_refused_and_so_is_who_waited_for_its_cage(browser, user):
    make_cage("Stays", make_user(), id=9, room="r2", rack="b", row="A", column=9)
    make_cage("A", user, id=1, room="R2", rack="B", row="A", column=1)
    make_cage("B", user, id=2, room="R2", rack="B", row="A", column=2)
    dry_run = upload(browser, "id,row,column\n2,A,1\n1,A,9\n")
    assert reasons(dry_run) == {
        2: "There is another cage in A-01 of this rack.",
        3: "There is another cage in A-09 of this rack.",
    }


def test_two_rows_do_not_go_to_one_bay_nor_are_about_one_cage(browser):
    text = "id,label,rack,row,column\n1,A,B,A,1\n2,B,b,a,1\n1,A again,,,\n,C,,,\n,C,,,\n"
    assert reasons(upload(browser, text)) == {
        3: "Row 2 has the same bay A-01 of the same rack.",
        4: "Row 2 is for the same cage.",
        6: "Row 5 is for the same cage.",
    }


def test_a_second_row_about_a_cage_does_not_keep_it_in_its_bay(browser, user):
    make_cage("A", user, id=1, rack="B", row="A", column=1)
    make_cage("B", user, id=2, rack="B", row="A", column=2)
    dry_run = upload(browser, "id,row,column\n1,A,2\n2,A,1\n1,A,3\n")
    assert reasons(dry_run) == {4: "Row 2 is for the same cage."}
    confirm(browser, dry_run)
    assert places() == {1: "rack B · A-02", 2: "rack B · A-01"}


def test_an_archived_cage_is_named_and_its_bay_is_free(browser, user):
    make_cage("Gone", user, id=7, rack="B", row="A", column=1, archived_at=at("06:00"))
    text = "id,label,rack,row,column\n7,Back,B,A,1\n8,New,B,A,1\n"
    assert reasons(upload(browser, text)) == {2: "Cage 7 is archived. Restore it first."}


# Names that read the same


def test_a_cage_whose_label_reads_the_same_is_the_same_cage(browser, user):
    make_cage("Käfig 77", user, id=7, room="RU")
    for label, room in (("Ka\u0308fig 77", "RU"), ("Käfig\u00a0 77", "ru"), ("kÄFIG 77", "RU")):
        plan = upload(browser, f"label,room\n{label},{room}\n").context["plan"]
        assert numbers(plan.unchanged) == [2]


def test_rooms_and_rows_that_read_the_same_are_one(browser):
    text = "label,room,rack,row,column\nS1,Süd,A,07,1\nS2,Su\u0308d,A,7,1\nS3,Süd,A,007,2\n"
    dry_run = upload(browser, text)
    assert reasons(dry_run) == {3: "Row 2 has the same bay 7-01 of the same rack."}
    confirm(browser, dry_run)
    assert set(Cage.objects.values_list("room__name", "row")) == {("Süd", "7")}
    assert Room.objects.count() == Rack.objects.count() == 1


def test_what_cannot_be_read_is_refused_by_field(browser):
    text = 'label,room,strain\n"Käfig\n78","R\n9","C57BL/6J\nmale"\nY2,RY\u200b1,\n'
    found = reasons(upload(browser, text))
    line_break = "A line break is not allowed here."
    for field in ("Label", "Room", "Species or strain"):
        assert f"{field}: {line_break}" in found[2]
    assert found[3].startswith("Room: The text contains an invisible character (U+200B).")


def test_a_label_that_another_cage_of_the_owner_has_is_refused(browser, user):
    make_cage("Taken", user, id=7)
    make_cage("Theirs", id=8)
    dry_run = upload(browser, "id,label\n1,TAKEN\n2,Theirs\n3,Twice\n4,twice\n")
    assert reasons(dry_run) == {
        2: "Cage 7 has this label already: “Taken”.",
        5: "It has the same label as row 4.",
    }
    confirm(browser, dry_run)
    assert set(places()) == {2, 3, 7, 8}


def test_cages_change_labels_within_one_file(browser, user):
    for number, label in enumerate("ABC", 1):
        make_cage(label, user, id=number)
    import_file(browser, "id,label\n1,B\n2,C\n3,A\n")
    labels = Cage.objects.order_by("pk").values_list("label", "label_key")
    assert list(labels) == [("B", "b"), ("C", "c"), ("A", "a")]


def test_a_row_that_waits_for_a_refused_one_is_refused_too(browser, user):
    make_cage("A", user, id=1, rack="B", row="A", column=1)
    make_cage("B", user, id=2, rack="B", row="A", column=2)
    make_cage("Stays", user, id=3, rack="B", row="A", column=3)
    text = "id,label,row,column\n2,A,A,2\n1,New,A,3\n"
    assert set(reasons(upload(browser, text))) == {2, 3}


# The plan


def test_the_number_of_queries_does_not_grow_with_the_rows(
    user, client_of, django_assert_max_num_queries
):
    lines = [f"{number},Colony {number},R2,B,A,{number}" for number in range(1, 301)]
    text = "\n".join(["id,label,room,rack,row,column", *lines])
    browser = client_of(user)
    for sent, most in ((text, 25), (text.replace("R2", "R3"), 28)):
        with django_assert_max_num_queries(12):
            dry_run = upload(browser, sent)
        with django_assert_max_num_queries(most):
            confirm(browser, dry_run)
    assert CageEvent.objects.count() == 300


def test_a_plan_is_about_what_it_says_and_nothing_else(user):
    rows = rows_of(b"id,label\n7,A\n")
    first = plan_of(rows, user).fingerprint
    assert plan_of(rows, user).fingerprint == first
    assert plan_of(rows_of(b"id,label\n7,B\n"), user).fingerprint != first
