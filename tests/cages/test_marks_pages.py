"""Marks on pages: noting, correcting, withdrawing, the list, the file and the kinds."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from cages.marking import UNDO_WITHIN
from cages.models import Cage, Mark, MarkKind
from cages.models.mark import BuiltIn
from people.models import Change, Role
from tests.factories import at, kind_of, make_cage, make_mark, make_member, make_user
from tests.pages import errors_of, queries_of, text_of

NOW = at("07:02:30")
NEW = reverse("mark-create")
KEY = str(uuid.UUID(int=1))
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cage(user):
    return make_cage("Colony 4", user, id=7, room="R1", rack="A", row="A", column=1)


@pytest.fixture
def browser(client_of, user, cage):
    return client_of(user)


def tap(browser, code, place="cage=7", key=KEY):
    return browser.post(f"{NEW}?{place}&key={key}", {"tap": kind_of(code).pk}, follow=True)


def typed(code=BuiltIn.FOOD, start="2026-03-02T06:50", **fields):
    return {"kind": kind_of(code).pk, "starts_at": start, "key": KEY, **fields}


def test_one_tap_on_the_page_of_a_cage_notes_work_for_now(browser, user, cage):
    page = browser.get(cage.get_absolute_url())
    assert [str(kind) for kind in page.context["taps"].kinds][:2] == ["Cage change", "Food"]
    page = tap(browser, BuiltIn.CAGE_CHANGE, key=str(page.context["taps"].key))
    mark = Mark.objects.get()
    assert (mark.cage, mark.starts_at, mark.ends_at) == (cage, NOW, NOW)
    assert (mark.person, mark.by, mark.noted_at) == (user, "ruth", NOW)
    assert page.redirect_chain == [(f"/marks/{mark.pk}/", 302)]
    assert "Cage change is noted." in text_of(page)
    assert "Undo" in text_of(page)


def test_the_kinds_that_are_noted_most_come_first(browser, cage):
    for _ in range(2):
        make_mark(cage, at("06:00"), kind=BuiltIn.WEIGHING)
    kinds = browser.get(cage.get_absolute_url()).context["taps"].kinds
    assert kinds[0].code == BuiltIn.WEIGHING


def test_a_form_that_is_sent_twice_keeps_one_mark_and_another_kind_is_another_mark(browser):
    tap(browser, BuiltIn.FOOD)
    assert "Food was noted already." in text_of(tap(browser, BuiltIn.FOOD))
    tap(browser, BuiltIn.WATER)
    assert [mark.kind.code for mark in Mark.objects.order_by("pk")] == ["food", "water"]


def test_a_tap_without_a_key_notes_nothing(browser):
    page = tap(browser, BuiltIn.FOOD, key="x")
    assert "The form is not complete." in text_of(page)
    assert not Mark.objects.exists()


@pytest.mark.parametrize("name", ["rack", "room"])
def test_work_is_noted_of_a_rack_and_of_a_room_from_their_pages(browser, cage, name):
    place = getattr(cage, name)
    page = f"/racks/{place.pk}/" if name == "rack" else f"/racks/?room={place.pk}"
    taps = browser.get(page).context["taps"]
    tap(browser, BuiltIn.ROOM_WORKS, taps.query, str(taps.key))
    assert getattr(Mark.objects.get(), name) == place
    assert "Marks" in text_of(browser.get(page))


def test_a_sensor_is_swapped_at_a_cage_only(browser, cage):
    page = browser.get(f"{NEW}?rack={cage.rack_id}")
    assert "Sensor swapped" not in text_of(page)
    answer = browser.post(
        f"{NEW}?rack={cage.rack_id}&key={KEY}", {"tap": kind_of("sensor_swapped").pk}
    )
    assert answer.status_code == 404
    assert "Sensor swapped" in text_of(browser.get(f"{NEW}?cage=7"))


def test_work_is_noted_afterwards_with_its_end_and_a_note(browser):
    browser.post(f"{NEW}?cage=7", typed(ends_at="2026-03-02T06:55", note="Two pellets"))
    mark = Mark.objects.get()
    assert (mark.starts_at, mark.ends_at) == (at("06:50"), at("06:55"))
    assert (mark.note, mark.noted_at) == ("Two pellets", NOW)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start": "2026-03-02T07:04"}, "starts_at"),
        ({"ends_at": "2026-03-02T07:04"}, "ends_at"),
        ({"ends_at": "2026-03-02T06:40"}, "ends_at"),
        ({"start": "2026-02-28T23:59"}, "starts_at"),
        ({"start": "2026-02-01T10:00", "ends_at": "2026-02-10T10:00"}, "ends_at"),
        ({"start": ""}, "starts_at"),
    ],
)
def test_what_cannot_have_happened_is_refused_at_its_field(browser, fields, field):
    page = browser.post(f"{NEW}?cage=7", {**typed(), **typed(**fields)})
    assert field in errors_of(page)
    assert not Mark.objects.exists()


def test_a_kind_that_does_not_exist_is_refused(browser):
    page = browser.post(f"{NEW}?cage=7", {**typed(), "kind": 999})
    assert "kind" in page.context["form"].errors
    assert not Mark.objects.exists()


def test_a_clock_that_is_a_little_ahead_is_accepted(browser):
    browser.post(f"{NEW}?cage=7", typed(start="2026-03-02T07:03"))
    assert Mark.objects.get().starts_at == at("07:03")


def test_opening_pages_notes_nothing(browser, cage):
    mark = make_mark(cage, at("06:00"))
    for name in ("", "edit/", "withdraw/", "end/"):
        browser.get(f"/marks/{mark.pk}/{name}")
    browser.get(f"{NEW}?cage=7&tap={kind_of('food').pk}&key={KEY}")
    assert list(Mark.objects.all()) == [mark]
    mark.refresh_from_db()
    assert mark.withdrawn_at is None


def test_what_was_noted_a_moment_ago_is_undone_without_a_reason(browser, cage, clock):
    tap(browser, BuiltIn.FOOD)
    mark = Mark.objects.get()
    page = browser.post(f"/marks/{mark.pk}/withdraw/", {"undo": 1}, follow=True)
    assert "Food of Colony 4 is withdrawn." in text_of(page)
    mark.refresh_from_db()
    assert mark.withdrawn_at == NOW
    assert Change.objects.newest_first()[0].reason == "Undone at once"


def test_later_and_by_others_it_is_withdrawn_with_a_reason(browser, cage, clock):
    tap(browser, BuiltIn.FOOD)
    mark = Mark.objects.get()
    clock(NOW + UNDO_WITHIN + timedelta(seconds=1))
    address = f"/marks/{mark.pk}/withdraw/"
    assert "reason" in errors_of(browser.post(address, {"undo": 1}))
    browser.post(address, {"reason": "Wrong cage"})
    mark.refresh_from_db()
    assert mark.withdrawn_at is not None
    assert "Wrong cage" in text_of(browser.get(f"/marks/{mark.pk}/"))


def test_a_correction_needs_a_reason_and_its_trail_is_shown(browser, cage):
    mark = make_mark(cage, at("06:00:20"), kind=BuiltIn.FOOD)
    address = f"/marks/{mark.pk}/edit/"
    fields = typed(BuiltIn.WATER, "2026-03-02T06:00", ends_at="2026-03-02T06:10")
    assert "reason" in errors_of(browser.post(address, fields))
    browser.post(address, {**fields, "reason": "It was water"})
    mark.refresh_from_db()
    assert (mark.kind.code, mark.ends_at) == ("water", at("06:10"))
    # Nobody changed its minute.
    assert mark.starts_at == at("06:00:20")
    page = text_of(browser.get(f"/marks/{mark.pk}/"))
    assert "It was water" in page
    assert "Food → Water" in page


def test_what_was_noted_at_its_beginning_is_over_with_one_tap(browser, cage, clock):
    tap(browser, BuiltIn.PROCEDURE)
    mark = Mark.objects.get()
    clock(NOW + timedelta(minutes=30))
    assert "It is over now" in text_of(browser.get(f"/marks/{mark.pk}/"))
    browser.post(f"/marks/{mark.pk}/end/")
    mark.refresh_from_db()
    assert mark.ends_at == NOW + timedelta(minutes=30)
    clock(NOW + timedelta(minutes=40))
    browser.post(f"/marks/{mark.pk}/end/")
    mark.refresh_from_db()
    assert mark.ends_at == NOW + timedelta(minutes=30)


def test_whoever_handles_the_cage_corrects_it_and_its_author_only_while_they_do(client_of, cage):
    vet, technician, viewer = (make_user() for _ in range(3))
    lab = cage.owner.own_lab
    make_member(vet, lab, Role.VET)
    make_member(technician, lab, Role.TECHNICIAN)
    make_member(viewer, lab, Role.VIEWER)
    mark = make_mark(cage, at("06:00"), person=vet)
    answers = {
        person: client_of(person).get(f"/marks/{mark.pk}/edit/").status_code
        for person in (vet, technician, viewer)
    }
    assert answers == {vet: 403, technician: 200, viewer: 403}
    assert "Correct…" not in text_of(client_of(viewer).get(f"/marks/{mark.pk}/"))


@pytest.fixture
def theirs(cage):
    """A cage of another lab, made later, in the same rack and room."""
    fields = {"room": "R1", "rack": "A", "row": "A", "column": 2, "created_at": at("06:30")}
    return make_cage("Theirs", make_user("otto"), id=8, **fields)


@pytest.mark.parametrize("name", ["rack", "room"])
def test_who_handles_some_cages_of_a_place_notes_work_for_these_only(
    client_of, user, cage, theirs, name
):
    place = getattr(cage, name)
    page = f"/racks/{place.pk}/" if name == "rack" else f"/racks/?room={place.pk}"
    told = "You take care of 1 of 2 cages here. It is noted for this cage only."
    for person, own in ((user, cage), (theirs.owner, theirs)):
        browser = client_of(person)
        assert told in text_of(browser.get(page))
        assert told in text_of(browser.get(f"{NEW}?{name}={place.pk}"))
        key = str(uuid.uuid4())
        for _ in range(2):
            answer = tap(browser, BuiltIn.HANDLING, f"{name}={place.pk}", key)
        assert "Handling is noted for 1 cage that you take care of." in text_of(answer)
        mark = Mark.objects.get(person=person)
        assert (mark.cage, mark.rack, mark.room) == (own, None, None)
        # Whoever worked at a rack did not look into each cage.
        assert not mark.sees_animals
        assert list(answer.context["marks"])[0] == mark


def test_staff_and_who_has_a_role_in_all_labs_of_a_room_note_work_of_the_room(
    client_of, user, cage, theirs
):
    technician = make_user("tina")
    for lab in (user.own_lab, theirs.owner.own_lab):
        make_member(technician, lab, Role.TECHNICIAN)
    for person in (technician, make_user("stefan", is_staff=True)):
        browser = client_of(person)
        assert "You take care of" not in text_of(browser.get(f"/racks/?room={cage.room_id}"))
        tap(browser, BuiltIn.FOOD, f"room={cage.room_id}", str(uuid.uuid4()))
        assert Mark.objects.get(person=person).room == cage.room


def test_a_mark_of_a_room_is_corrected_by_who_handles_all_cages_that_it_counts_for(
    client_of, browser, cage, theirs
):
    # The cage of the others was not there yet, so it takes nothing from the lab.
    early, late = make_mark(cage.room, at("06:00")), make_mark(cage.room, at("06:45"))
    stranger = client_of(theirs.owner)
    for mark, code in ((early, 200), (late, 403)):
        for address in (f"/marks/{mark.pk}/edit/", f"/marks/{mark.pk}/withdraw/"):
            assert browser.get(address).status_code == code
            assert stranger.get(address).status_code == 403
        assert stranger.get(f"/marks/{mark.pk}/").status_code == 200
        assert stranger.post(f"/marks/{mark.pk}/end/").status_code == 403
    # Nor is it moved to a time when it would count for them.
    fields = typed(start="2026-03-02T06:45", reason="Later")
    assert "starts_at" in errors_of(browser.post(f"/marks/{early.pk}/edit/", fields))


def test_work_of_the_past_is_noted_for_no_cage_of_others_that_stood_there_then(
    client_of, user, cage, theirs
):
    Cage.objects.filter(pk=cage.pk).move("R2", "", at("06:50"))
    browser, place = client_of(theirs.owner), f"room={theirs.room_id}"
    browser.post(f"{NEW}?{place}", typed(start="2026-03-02T06:40"))
    assert Mark.objects.get().cage == theirs
    page = browser.post(f"{NEW}?{place}", typed(start="2026-03-02T06:20", key=str(uuid.uuid4())))
    assert "No cage that you take care of stood here then." in text_of(page)
    tap(browser, BuiltIn.FOOD, place, str(uuid.uuid4()))
    assert Mark.objects.last().room == theirs.room


def test_marks_of_a_rack_that_one_sees_nothing_of_are_not_found(client_of, cage):
    mark = make_mark(cage.rack, at("06:00"))
    stranger = client_of(make_user())
    assert stranger.get(f"/marks/{mark.pk}/").status_code == 404
    assert stranger.get(f"{NEW}?rack={cage.rack_id}").status_code == 404
    assert stranger.get("/marks/").context["marks"].count() == 0


def test_an_archived_cage_takes_no_mark(browser, cage):
    cage.archive(NOW)
    assert browser.post(f"{NEW}?cage=7", typed()).status_code == 403


def test_the_list_is_filtered_by_place_kind_and_days(browser, user, cage):
    other = make_cage("Other", user, room="R2", rack="B")
    mine = make_mark(cage, at("06:00"), kind=BuiltIn.FOOD)
    rack = make_mark(cage.rack, at("06:10"), kind=BuiltIn.WATER)
    far = make_mark(other, at("06:20"), kind=BuiltIn.FOOD)
    late = make_mark(other.room, at("06:30") + timedelta(days=1))

    def shown(**query):
        return list(browser.get("/marks/", query).context["marks"])

    assert shown() == [late, far, rack, mine]
    assert shown(cage=7) == [mine]
    assert shown(rack=cage.rack_id) == [rack, mine]
    assert shown(room=other.room_id) == [late, far]
    assert shown(kind=kind_of("food").pk) == [far, mine]
    assert shown(start="2026-03-03") == [late]
    assert shown(end="2026-03-02") == [far, rack, mine]
    assert shown(cage="x", start="yesterday") == [late, far, rack, mine]


def test_the_file_has_a_row_for_each_mark_of_the_list(browser, cage):
    mark = make_mark(cage, at("06:00"), at("06:10"), kind=BuiltIn.FOOD, note="a, b")
    make_mark(cage, at("06:00"), kind=BuiltIn.WATER)
    answer = browser.get("/marks/file/", {"kind": kind_of("food").pk})
    lines = b"".join(answer).decode().split("\r\n")
    assert lines[0].startswith("mark_id,kind,is_handling,cage_id,label,rack,room,starts_utc")
    assert lines[1] == (
        f"{mark.pk},food,1,7,Colony 4,,,2026-03-02T05:00:00Z,2026-03-02T05:10:00Z,"
        '"a, b",anna,2026-03-02T05:00:00Z,'
    )
    assert lines[2:] == [""]


def test_pages_of_marks_take_the_same_queries_for_many_marks(browser, cage):
    def make(count):
        for number in range(count):
            make_mark((cage, cage.rack, cage.room)[number % 3], at("06:00"))

    pages = ("/marks/", cage.get_absolute_url(), f"/racks/{cage.rack_id}/")
    make(3)
    few = [queries_of(browser.get, page) for page in pages]
    make(15)
    assert [queries_of(browser.get, page) for page in pages] == few


def test_the_page_of_a_cage_lists_its_marks_with_those_of_its_rack_and_room(browser, cage):
    made = [make_mark(place, at("06:00")) for place in (cage, cage.rack, cage.room)]
    assert list(browser.get(cage.get_absolute_url()).context["newest_marks"]) == made[::-1]


def test_administrators_add_rename_and_switch_off_kinds(client_of, administrator, browser, cage):
    head = client_of(administrator)
    head.post("/marks/kinds/", {"name": "Ear punch", "is_handling": "on", "is_on": "on"})
    kind = MarkKind.objects.get(name="Ear punch")
    assert (kind.code, kind.is_handling, kind.is_on) == (None, True, True)
    address = f"/marks/kinds/{kind.pk}/"
    head.post(address, {"name": "Ear tag", "is_on": "on"})
    kind.refresh_from_db()
    assert (kind.name, kind.is_handling) == ("Ear tag", False)
    assert "Ear tag" in text_of(browser.get(f"{NEW}?cage=7"))
    head.post(address, {"name": "Ear tag"})
    assert "Ear tag" not in text_of(browser.get(f"{NEW}?cage=7"))
    assert browser.get("/marks/kinds/").status_code == 403


@pytest.mark.parametrize("name", ["cage  CHANGE", "cage_change", ""])
def test_a_name_that_is_taken_or_missing_is_refused(client_of, administrator, name):
    page = client_of(administrator).post("/marks/kinds/", {"name": name, "is_on": "on"})
    assert "name" in errors_of(page)


def test_a_built_in_kind_keeps_its_name(client_of, administrator):
    kind = kind_of("food")
    client_of(administrator).post(f"/marks/kinds/{kind.pk}/", {"name": "X", "is_on": "on"})
    kind.refresh_from_db()
    assert (kind.name, kind.is_handling) == ("Food", False)
