"""Creating and editing a cage."""

import html
import re

import pytest
from django.db import IntegrityError
from django.urls import reverse

from cages.forms.cage import CageForm
from cages.models import Cage
from neurocage.ids import LARGEST_TYPED_ID
from tests.factories import at, give_out_ids, make_animal, make_cage, make_user
from tests.pages import errors_of, queries_of

NEW = reverse("cage-create")
BAY = {"room": "R2", "rack": "B", "row": "B", "column": 7}


def form_of(**typed):
    return {"label": "Colony 4", "is_polled": "on", "save": "Save", **typed}


def edit_url(cage):
    return reverse("cage-edit", args=(cage.pk,))


def create(browser, **typed):
    """Post the form; the cage that came of it."""
    response = browser.post(NEW, form_of(**typed))
    assert response.status_code == 302, response.context["form"].errors
    return Cage.objects.get(pk=int(response["Location"].strip("/").split("/")[1]))


# Creating


def test_the_form_asks_for_a_label_and_offers_the_rest(browser):
    page = browser.get(NEW).content.decode()
    required = re.findall(r'<(?:input|select|textarea)[^>]*name="(\w+)"[^>]*\brequired\b', page)
    assert required == ["label"]
    for field in ("id", "room", "rack", "row", "column", "strain", "animal_count", "notes"):
        assert f'name="{field}"' in page
    assert re.search(r'<input[^>]*name="is_polled"[^>]*checked', page)


def test_a_label_is_all_it_takes(browser, user):
    cage = create(browser)
    assert (cage.label, cage.owner) == ("Colony 4", user)
    assert (cage.is_polled, cage.is_archived) == (True, False)
    assert (cage.position, cage.strain, cage.animal_count, cage.notes) == ("", "", None, "")


def test_a_cage_with_everything_is_kept_as_typed(browser):
    cage = create(browser, **BAY, id=117, strain="C57BL/6J", animal_count=3, notes="Keep\r\napart.")
    assert (cage.pk, cage.position) == (117, "R2 · rack B · B-07")
    assert (cage.strain, cage.animal_count, cage.notes) == ("C57BL/6J", 3, "Keep\r\napart.")


def test_after_creating_the_page_of_the_cage_says_when_to_expect_a_reading(browser):
    page = browser.post(NEW, form_of(), follow=True)
    assert page.redirect_chain[-1][0] == Cage.objects.get().get_absolute_url()
    assert "Its first reading appears within two minutes." in page.content.decode()


def test_blanks_around_what_was_typed_are_taken_off(browser):
    cage = create(browser, label="  Colony 4 ", room=" R2 ", rack=" B ", row=" b ", column=" 7 ")
    assert (cage.label, cage.position) == ("Colony 4", "R2 · rack B · B-07")


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"label": ""}, "label", "This field is required."),
        ({"label": "   "}, "label", "This field is required."),
        ({"label": "x" * 101}, "label", "at most 100 characters"),
        ({"label": "a\x00b"}, "label", "Null characters"),
        ({"id": "0"}, "id", "greater than or equal to 1"),
        ({"id": "7.5"}, "id", "Enter a whole number."),
        ({"id": str(LARGEST_TYPED_ID + 1)}, "id", "less than or equal to"),
        ({"id": "9" * 5000}, "id", "Enter a whole number."),
        ({"room": "x" * 51}, "room", "at most 50 characters"),
        ({**BAY, "row": "B7"}, "row", "A row is one or two letters or a number"),
        ({**BAY, "row": "<b>"}, "row", "A row is one or two letters or a number"),
        ({**BAY, "row": "1234"}, "row", "at most 3 characters"),
        ({**BAY, "column": "0"}, "column", "greater than or equal to 1"),
        ({**BAY, "column": "1000"}, "column", "less than or equal to 999"),
        ({"row": "B", "column": "7"}, "rack", "Enter the rack"),
        ({"room": "R2", "row": "B"}, "rack", "Enter the rack"),
        ({"column": "7"}, "rack", "Enter the rack"),
        ({"rack": "B", "row": "B"}, "column", "Enter the column too"),
        ({"rack": "B", "column": "7"}, "row", "Enter the row too"),
        ({"strain": "x" * 101}, "strain", "at most 100 characters"),
        ({"animal_count": "-1"}, "animal_count", "greater than or equal to 0"),
        ({"animal_count": "101"}, "animal_count", "less than or equal to 100"),
        ({"notes": "x" * 5001}, "notes", "at most 5000 characters"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_saved(browser, typed, field, message):
    errors = errors_of(browser.post(NEW, form_of(**typed)))
    assert set(errors) == {field}
    assert message in errors[field][0]
    assert not Cage.objects.exists()


def test_every_mistake_is_named_at_once(browser):
    errors = errors_of(browser.post(NEW, form_of(label="", id="x", rack="B", column="0", row="B")))
    assert set(errors) == {"label", "id", "column"}


def test_what_was_typed_is_given_back(browser):
    names = {"room": "R<2>", "rack": "B", "row": "b", "column": "x", "strain": '"PV"-Cre'}
    typed = {"label": "", **names, "notes": "<i>mind</i>", "save": "Save"}
    page = browser.post(NEW, typed).content.decode()
    for name, value in names.items():
        field = rf'<input(?=[^>]*name="{name}")[^>]*value="{html.escape(value)}"'
        assert re.search(field, page), name
    assert "&lt;i&gt;mind&lt;/i&gt;" in page
    assert not re.search(r'<input[^>]*name="is_polled"[^>]*checked', page)


def test_the_forms_take_as_many_queries_for_1_possible_owner_as_for_30(client_of, user, staff):
    cage = make_cage(owner=user)
    browser = client_of(staff)
    for address in (NEW, edit_url(cage)):
        before = queries_of(browser.get, address)
        for _ in range(30):
            make_user()
        assert before == queries_of(browser.get, address) <= 9


# Ids


def test_an_id_that_is_taken_is_refused_whoever_owns_it(browser, user):
    make_cage(owner=user, id=1)
    make_cage(id=2)
    make_cage(id=3, archived_at=at("06:00"))
    for number in (1, 2, 3):
        errors = errors_of(browser.post(NEW, form_of(id=number)))
        message = f"Cage {number} exists already. It may be archived or belong to somebody else."
        assert errors == {"id": [message]}
    assert Cage.objects.count() == 3


def test_the_next_automatic_id_comes_after_the_largest(browser):
    first = create(browser, label="A").pk
    assert create(browser, label="B", id=first + 100).pk == first + 100
    assert create(browser, label="C").pk == first + 101
    assert create(browser, label="D", id=first + 50).pk == first + 50
    assert create(browser, label="E").pk == first + 102


def test_automatic_ids_go_on_after_the_largest_that_can_be_typed(browser):
    create(browser, id=LARGEST_TYPED_ID)
    assert create(browser, label="Next").pk == LARGEST_TYPED_ID + 1
    give_out_ids()


def test_no_id_is_given_out_twice(browser):
    gone = create(browser, label="A").pk
    Cage.objects.all().delete()
    create(browser, label="B", id=gone - 50)
    assert create(browser, label="C").pk == gone + 1


def test_an_id_taken_since_the_form_was_checked_is_refused_at_its_field(browser, monkeypatch):
    make_cage("First", id=117)
    monkeypatch.setattr(CageForm, "clean_id", lambda form: form.cleaned_data["id"])
    errors = errors_of(browser.post(NEW, form_of(id=117)))
    assert errors == {"id": ["This cage id has just been used by somebody else."]}
    assert [cage.label for cage in Cage.objects.all()] == ["First"]


# Bays of a rack


@pytest.mark.parametrize("room", ["R2", ""])
@pytest.mark.parametrize("changed", [{}, {"rack": "\u2009b"}, {"row": "b"}, {"row": " Ｂ"}])
def test_two_cages_cannot_stand_in_one_bay(browser, room, changed):
    make_cage(**{**BAY, "room": room})
    typed = form_of(**{**BAY, "room": room and " r2 ", **changed})
    errors = errors_of(browser.post(NEW, typed))
    assert errors == {"column": ["There is another cage in B-07 of this rack."]}


@pytest.mark.parametrize(
    "changed", [{"room": "R3"}, {"room": ""}, {"rack": "C"}, {"row": "A"}, {"column": 8}]
)
def test_a_bay_beside_it_is_free(browser, changed):
    make_cage(**BAY)
    create(browser, **{**BAY, **changed})


def test_many_cages_may_stand_in_a_rack_without_a_bay(browser):
    for label in "AB":
        create(browser, label=label, room="R2", rack="B")


# Names


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Ka\u0308fig\u00a077", "Käfig 77"),
        ("Käfig  77", "Käfig 77"),
        ("+/+ control", "+/+ control"),
        ("ﬁsh ７", "ﬁsh ７"),
    ],
)
def test_a_name_is_shown_composed_and_with_single_blanks(browser, typed, stored):
    cage = create(browser, label=typed, room=typed, rack=typed, strain=typed)
    names = {cage.label, cage.room_name, cage.rack_name, cage.strain}
    assert names == {stored}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("R\n9", "A line break is not allowed here."),
        ("R\u20289", "A line break is not allowed here."),
        ("R\u200b9", "an invisible character (U+200B)"),
        ("R\u00ad9", "an invisible character (U+00AD)"),
        ("R\u31649", "an invisible character (U+3164)"),
        ("\ufe0f", "no visible character"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused_at_its_field(browser, typed, message):
    fields = ("label", "room", "rack", "strain")
    errors = errors_of(browser.post(NEW, form_of(**dict.fromkeys(fields, typed))))
    assert set(errors) == set(fields)
    assert all(message in errors[field][0] for field in fields)
    assert not Cage.objects.exists()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Süd", "Su\u0308d"),
        ("Käfig 77", "KÄFIG\u00a0 77"),
        ("ΡΟΔΟΣ", "ροδος"),
        ("Straße", "STRASSE"),
        ("İzmir", "i̇zmir"),
        ("R②", "R2"),
    ],
)
def test_names_that_read_the_same_are_one(browser, user, first, second):
    cage = make_cage(first, owner=user, room=first, rack=first)
    errors = errors_of(browser.post(NEW, form_of(label=second)))
    shown = f"Cage {cage.pk} has this label already: “{first}”."
    assert errors == {"label": [shown]}
    again = create(browser, label="Another", room=second, rack=second)
    assert (again.room, again.rack) == (cage.room, cage.rack)
    assert again.room_name == first


def test_labels_of_two_owners_and_of_archived_cages_are_free(browser, user):
    make_cage("Colony 4")
    make_cage("Colony 4", owner=user, archived_at=at("06:00"))
    create(browser, label="Colony 4")


@pytest.mark.parametrize(("typed", "row"), [("07", "7"), ("007", "7"), ("７", "7"), ("aa", "AA")])
def test_a_row_has_one_name(browser, typed, row):
    assert create(browser, **{**BAY, "row": typed}).row == row


@pytest.fixture
def taken_since(user, monkeypatch):
    """The form finds label and bay free, as they were before somebody else took them."""
    monkeypatch.setattr(Cage, "validate_constraints", lambda cage, exclude: None)
    return make_cage("First", owner=user, **BAY)


@pytest.mark.parametrize(
    ("typed", "field"),
    [(BAY, "column"), ({**BAY, "id": 117}, "column"), ({"label": "first"}, "label")],
)
def test_what_was_taken_since_the_form_was_checked_is_refused_at_its_field(
    browser, taken_since, typed, field
):
    response = browser.post(NEW, form_of(**typed))
    assert set(errors_of(response)) == {field}
    assert "New cage" in response.content.decode()
    assert [cage.label for cage in Cage.objects.all()] == ["First"]


def test_a_bay_taken_while_another_cage_was_moved_is_refused_at_its_field(
    browser, user, taken_since
):
    cage = make_cage("Second", owner=user)
    errors = errors_of(browser.post(edit_url(cage), form_of(**BAY)))
    assert errors == {"column": ["There is another cage in B-07 of this rack."]}
    cage.refresh_from_db()
    assert (cage.label, cage.position) == ("Second", "")


def test_what_the_database_refuses_for_another_reason_is_not_hidden(browser, user, monkeypatch):
    def fail(*args, **kwargs):
        Cage.objects.filter(pk=cage.pk).update(label=None)

    cage = make_cage(owner=user)
    monkeypatch.setattr(Cage, "save", fail)
    with pytest.raises(IntegrityError):
        browser.post(edit_url(cage), form_of())


# Editing


def test_editing_begins_with_what_is_there(browser, user):
    cage = make_cage("Colony 4", owner=user, **BAY, notes="Keep apart.", is_polled=False)
    page = browser.get(edit_url(cage)).content.decode()
    assert 'value="Colony 4"' in page
    assert "Keep apart." in page
    assert not re.search(r'<input[^>]*name="is_polled"[^>]*checked', page)


def test_an_edit_is_kept(browser, user):
    cage = make_cage("Old", owner=user, **BAY)
    response = browser.post(edit_url(cage), form_of(label="New", **BAY), follow=True)
    assert "Saved." in response.content.decode()
    cage.refresh_from_db()
    assert (cage.label, cage.position) == ("New", "R2 · rack B · B-07")


def test_an_edit_that_is_wrong_changes_nothing_and_is_given_back(browser, user):
    cage = make_cage("Old", owner=user)
    response = browser.post(edit_url(cage), form_of(label="", strain="PV-Cre"))
    assert set(errors_of(response)) == {"label"}
    assert 'value="PV-Cre"' in response.content.decode()
    cage.refresh_from_db()
    assert (cage.label, cage.strain) == ("Old", "")


def test_the_id_of_a_cage_cannot_be_changed(browser, user):
    cage = make_cage(owner=user, id=117)
    assert 'name="id"' not in browser.get(edit_url(cage)).content.decode()
    browser.post(edit_url(cage), form_of(id=118))
    assert [cage.pk for cage in Cage.objects.all()] == [117]


def test_a_cage_is_polled_or_not_as_the_form_says(browser):
    browser.post(NEW, {"label": "x"})
    cage = Cage.objects.get()
    assert not cage.is_polled
    for typed, polled in (({"is_polled": "on"}, True), ({}, False)):
        browser.post(edit_url(cage), {"label": "x", **typed})
        cage.refresh_from_db()
        assert cage.is_polled is polled


def test_an_edit_touches_neither_archive_nor_purge_nor_birthday(browser, user):
    cage = make_cage(owner=user)
    forged = dict.fromkeys(("archived_at", "purge_ordered_at", "created_at"), "2020-01-01")
    browser.post(edit_url(cage), form_of(**forged))
    changed = Cage.objects.get()
    assert (changed.archived_at, changed.purge_ordered_at) == (None, None)
    assert changed.created_at == cage.created_at


# Owners


def test_only_staff_choose_the_owner(client_of, browser, user, staff):
    cage = make_cage(owner=user)
    assert 'name="owner"' not in browser.get(edit_url(cage)).content.decode()
    assert 'name="owner"' not in browser.get(NEW).content.decode()
    assert 'name="owner"' in client_of(staff).get(edit_url(cage)).content.decode()


def test_an_owner_that_somebody_else_posts_is_ignored(browser, user, staff):
    cage = make_cage(owner=user)
    browser.post(edit_url(cage), form_of(label="Changed", owner=staff.pk))
    made = create(browser, label="Created", owner=staff.pk)
    cage.refresh_from_db()
    assert (cage.label, cage.owner, made.owner) == ("Changed", user, user)


def test_staff_make_a_cage_their_own_or_give_it_to_somebody(client_of, user, staff):
    browser = client_of(staff)
    page = browser.get(NEW).content.decode()
    assert f'<option value="{staff.pk}" selected>stefan</option>' in page
    assert create(browser, owner=staff.pk).owner == staff
    assert create(browser, owner=user.pk).owner == user


def test_a_cage_is_given_only_to_somebody_with_an_account(client_of, staff):
    gone = make_user("gone", is_active=False)
    browser = client_of(staff)
    for owner in (gone.pk, 4711, "", "x"):
        assert set(errors_of(browser.post(NEW, form_of(owner=owner)))) == {"owner"}


def test_a_cage_is_not_given_to_a_lab_that_has_the_number_of_its_animal(client_of, user, staff):
    make_animal(cage := make_cage(owner=user), "M1")
    make_animal(make_cage(owner=staff), "M1")
    answer = client_of(staff).post(edit_url(cage), form_of(owner=staff.pk))
    assert "animal with the number M1" in errors_of(answer)["owner"][0]


@pytest.mark.parametrize("is_active", [True, False])
def test_staff_keep_the_owner_when_they_edit_something_else(client_of, staff, is_active):
    owner = make_user("max", is_active=is_active)
    cage = make_cage(owner=owner)
    browser = client_of(staff)
    page = browser.get(edit_url(cage)).content.decode()
    assert f'<option value="{owner.pk}" selected>max</option>' in page
    assert browser.post(edit_url(cage), form_of(owner=owner.pk)).status_code == 302
