"""Rounds: what a device tells arrives once each, in order; what came of a round; who may."""

import json
import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from cages.marking import UNDO_WITHIN
from cages.models import Mark, MarkKind
from cages.models.mark import BuiltIn
from people.models import Change, Role
from tests.factories import MINUTE, at, make_cage, make_mark, make_member, make_user
from tests.pages import queries_of, text_of
from tests.welfare.factories import make_concern
from welfare import desk, rounds
from welfare.models import Concern, Kind, Look, Round

NOW, DAY = at("07:02:30"), timedelta(days=1)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
LIST, ARRIVALS = reverse("round-list"), reverse("round-arrivals")


@pytest.fixture
def owner():
    return make_user("owner")


@pytest.fixture
def cages(owner):
    # Not in the order in which they stand.
    bays = {7: ("B", 2), 8: ("A", 1), 9: ("B", 1)}
    return [
        make_cage(f"Colony {pk}", owner, id=pk, room="R1", rack="A", row=row, column=column)
        for pk, (row, column) in bays.items()
    ]


@pytest.fixture
def technician(cages, owner):
    person = make_user("tim")
    make_member(person, owner.own_lab, Role.TECHNICIAN)
    return person


@pytest.fixture
def browser(client_of, technician):
    return client_of(technician)


@pytest.fixture
def under_way(browser, cages):
    browser.post(LIST, {"room": cages[0].room_id})
    return Round.objects.get()


def item(one, what="fine", cage=7, at=NOW - MINUTE, **fields):
    told = {"key": str(uuid.uuid4()), "what": what, "at": at.isoformat(), "round": one.pk}
    return {**told, "cage": cage, **fields}


def send(browser, one, *items, person=None):
    body = {"person": person or one.person_id, "items": list(items)}
    answer = browser.post(ARRIVALS, json.dumps(body), content_type="application/json")
    assert answer.status_code == 200, answer.content
    return [(each["kept"], each["why"]) for each in answer.json()["answers"]]


def test_a_round_goes_through_the_room_by_rack_and_bay(browser, under_way):
    page = browser.get(reverse("round", args=[under_way.pk]))
    assert [cage.pk for cage, _done in page.context["standing"].cages] == [8, 9, 7]


def test_a_second_start_goes_on_with_the_round_under_way(browser, cages, under_way):
    answer = browser.post(LIST, {"room": cages[0].room_id})
    assert answer["Location"] == reverse("round", args=[under_way.pk])
    assert Round.objects.count() == 1


def test_a_look_keeps_the_time_of_the_device_and_that_of_its_arrival(browser, under_way):
    assert send(browser, under_way, item(under_way, at=at("06:40"))) == [(True, "")]
    look = Look.objects.get()
    assert (look.cage_id, look.at, look.noted_at, look.by) == (7, at("06:40"), NOW, "tim")
    assert Change.objects.filter(table="welfare_look", verb="added").count() == 1


@pytest.mark.parametrize("what", ["fine", "cage_change"])
def test_what_arrives_twice_is_kept_once(browser, under_way, what):
    told = item(under_way, what)
    assert send(browser, under_way, told) == send(browser, under_way, told) == [(True, "")]
    assert Look.objects.count() + Mark.objects.count() == 1


def test_work_in_a_round_is_a_mark_of_the_cage(browser, under_way):
    send(browser, under_way, item(under_way, "food", cage=9, at=at("07:02")))
    mark = Mark.objects.get()
    assert (mark.cage_id, mark.kind.code, mark.starts_at) == (9, BuiltIn.FOOD, at("07:02"))
    page = browser.get(reverse("round", args=[under_way.pk]))
    assert page.context["standing"].seen == 1


def test_one_that_is_refused_does_not_hold_up_the_next(browser, under_way):
    ahead = item(under_way, at=NOW + 5 * MINUTE)
    [(kept, why), (next_kept, _)] = send(browser, under_way, ahead, item(under_way, cage=8))
    assert (kept, next_kept) == (False, True)
    assert "The clock of this device is ahead" in why
    assert [look.cage_id for look in Look.objects.all()] == [8]


def test_a_clock_within_the_tolerance_is_no_fault(browser, under_way):
    assert send(browser, under_way, item(under_way, at=NOW + MINUTE)) == [(True, "")]


def test_undo_takes_back_a_look_and_a_mark(browser, under_way):
    look, mark = item(under_way), item(under_way, "water")
    send(browser, under_way, look, mark)
    undone = [item(under_way, "undo", of=one["key"]) for one in (look, mark)]
    assert send(browser, under_way, *undone) == [(True, "")] * 2
    assert Look.objects.get().withdrawn_at == Mark.objects.get().withdrawn_at == NOW
    page = browser.get(reverse("round", args=[under_way.pk]))
    assert page.context["standing"].seen == 0


@pytest.mark.parametrize("fault", ["left the lab", "too late", "of another round"])
def test_undo_takes_back_only_what_is_new_and_still_ones_own(
    browser, technician, cages, under_way, clock, fault
):
    told = [item(under_way), item(under_way, "water")]
    send(browser, under_way, *told)
    late, one = NOW, under_way
    if fault == "left the lab":
        technician.memberships.exclude(lab__own_of=technician).delete()
    elif fault == "too late":
        late = NOW + UNDO_WITHIN
    else:
        send(browser, under_way, item(under_way, "end", cage=0))
        clock(NOW + MINUTE)
        browser.post(LIST, {"room": cages[0].room_id})
        one = Round.objects.latest("pk")
    clock(late + MINUTE)
    undone = [item(one, "undo", of=each["key"], at=late) for each in told]
    whys = {
        "left the lab": ["You may not note anything of this cage", "You may not note work"],
        "too late": ["Only what was noted within 10 minutes is undone here."] * 2,
        "of another round": ["What is to be undone is not here."] * 2,
    }
    answers = send(browser, one, *undone)
    for (is_kept, why), wanted in zip(answers, whys[fault], strict=True):
        assert not is_kept
        assert why.startswith(wanted)
    assert Look.objects.get().withdrawn_at is Mark.objects.get().withdrawn_at is None


def test_undo_may_arrive_days_after_it_was_tapped(browser, client_of, under_way, clock):
    told = [item(under_way), item(under_way, "water")]
    send(browser, under_way, *told)
    clock(NOW + timedelta(days=2))
    undone = [item(under_way, "undo", of=one["key"], at=NOW) for one in told]
    assert send(client_of(under_way.person), under_way, *undone) == [(True, "")] * 2
    assert not Look.objects.valid().exists()
    assert not Mark.objects.valid().exists()


def test_the_end_says_how_many_were_looked_at_and_which_were_skipped(browser, under_way, cages):
    send(
        browser,
        under_way,
        item(under_way, cage=8),
        item(under_way, "cage_change", cage=9),
        item(under_way, "skipped", cage=7, why="Not there"),
        item(under_way, "end", cage=0, at=at("07:03")),
    )
    under_way.refresh_from_db()
    assert (under_way.ended_at, under_way.end_noted_at) == (at("07:03"), NOW)
    # A cage that is moved afterwards was still part of it.
    cages[0].stand_in(None, None)
    cages[0].save()
    page = text_of(browser.get(reverse("round", args=[under_way.pk])))
    assert "2 of 3 looked at, one skipped: Colony 7 (Not there)" in page


def test_what_arrives_after_the_end_or_is_taken_back_changes_what_came_of_it(browser, under_way):
    wrong, end = item(under_way, cage=8), item(under_way, "end", cage=0, at=at("07:03"))
    send(browser, under_way, wrong, end)
    send(
        browser,
        under_way,
        item(under_way, "undo", cage=8, of=wrong["key"]),
        item(under_way, cage=7),
        item(under_way, "cage_change", cage=9),
    )
    # After its end by the clock of the device.
    send(browser, under_way, item(under_way, cage=8, at=at("07:03:10")))
    page = text_of(browser.get(reverse("round", args=[under_way.pk])))
    assert "2 of 3 looked at Not looked at: A-01" in page


def test_what_was_done_before_a_round_is_none_of_it(browser, under_way):
    work = [item(under_way, "cage_change", cage=pk, at=at("06:55")) for pk in (7, 8)]
    # The device says of a look in which round it was, so its clock may be behind.
    send(browser, under_way, *work, item(under_way, cage=9, at=at("06:55")))
    standing = browser.get(reverse("round", args=[under_way.pk])).context["standing"]
    assert [cage.pk for cage in standing.left] == [8, 7]


def test_who_did_the_work_is_told_apart_when_the_account_is_gone(browser, under_way, cages):
    send(browser, under_way, item(under_way, "end", cage=0, at=at("07:03")))
    make_mark(cages[0], NOW, by="another who is gone")
    Round.objects.update(person=None)
    page = browser.get(reverse("round", args=[under_way.pk]))
    assert page.context["standing"].seen == 0


# A round is of one day


@pytest.fixture
def next_day(browser, under_way, clock):
    """The round of the day before has looked at cage 8, and nobody has ended it."""
    send(browser, under_way, item(under_way, cage=8, at=at("07:03")))
    clock(NOW + DAY)
    browser.force_login(under_way.person)


def test_a_round_of_an_earlier_day_does_not_go_on(browser, next_day, under_way, cages):
    page = text_of(browser.get(LIST))
    assert "not ended" in page
    assert "Go on" not in page
    assert browser.get(reverse("round-cage", args=[7]))["Location"] == "/cages/7/"
    address = browser.post(LIST, {"room": cages[0].room_id})["Location"]
    assert browser.get(address).context["standing"].seen == 0
    under_way.refresh_from_db()
    assert (under_way.ended_at, under_way.end_noted_at) == (at("07:03"), NOW + DAY)
    page = text_of(browser.get(reverse("round", args=[under_way.pk])))
    assert "last note 2026-03-02 07:03, ended by nobody" in page
    assert "1 of 3 looked at Not looked at: B-01 , B-02" in page


def test_late_notes_count_for_the_round_and_the_day_of_the_device(
    browser, next_day, under_way, cages
):
    address = browser.post(LIST, {"room": cages[0].room_id})["Location"]
    send(
        browser,
        under_way,
        item(under_way, "cage_change", cage=9, at=at("07:05")),
        # On the old page, which was still open on the next day.
        item(under_way, cage=7, at=NOW + DAY),
    )
    assert browser.get(address).context["standing"].seen == 0
    under_way.refresh_from_db()
    assert under_way.ended_at == at("07:05")
    page = text_of(browser.get(reverse("round", args=[under_way.pk])))
    assert "2 of 3 looked at Not looked at: B-02" in page


def test_bays_are_told_with_their_racks_where_the_room_has_several(browser, under_way, cages):
    other = make_cage("Colony 6", cages[0].owner, id=6, room="R1", rack="B", row="B", column=2)
    tapped = browser.get(reverse("round", args=[under_way.pk])).content.decode()
    assert re.findall(r'data-bay="([^"]*)"', tapped) == ["A A-01", "A B-01", "A B-02", "B B-02"]
    skipped = item(under_way, "skipped", cage=other.pk, why="Not there")
    send(browser, under_way, skipped, item(under_way, "end", cage=0))
    page = text_of(browser.get(reverse("round", args=[under_way.pk])))
    assert "one skipped: B B-02 (Not there)" in page
    assert "Not looked at: A A-01 , A B-01 , A B-02" in page


def test_who_skips_a_cage_after_a_look_has_seen_it(browser, under_way):
    send(browser, under_way, item(under_way), item(under_way, "skipped", why="Not there"))
    standing = browser.get(reverse("round", args=[under_way.pk])).context["standing"]
    assert (standing.seen, standing.skipped) == (1, [])


# Concerns


def test_a_vets_concern_is_opened_on_the_desk(client_of, cages, owner):
    vet = make_user("vera")
    make_member(vet, owner.own_lab, Role.VET)
    browser = client_of(vet)
    browser.post(LIST, {"room": cages[0].room_id})
    one = Round.objects.get()
    told = item(one, "concern")
    send(browser, one, told, told)
    concern = Concern.objects.get()
    assert (concern.kind, concern.cage_id) == (Kind.BY_EYE, 7)
    assert Look.objects.get().concern == concern


def test_a_technicians_concern_adds_to_the_open_one(browser, under_way, cages):
    concern = make_concern(cages[0])
    send(browser, under_way, item(under_way, "concern"))
    assert concern.trail.get(act="commented").text == "Seen on a round."
    assert Look.objects.get().concern == concern


def test_a_technicians_concern_waits_until_somebody_opens_one(browser, under_way, cages, owner):
    send(browser, under_way, item(under_way, "concern"), item(under_way, "end", cage=0))
    assert not Concern.objects.exists()
    page = text_of(browser.get(reverse("round", args=[under_way.pk])))
    assert "These concerns are not on the desk" in page
    concern = desk.open_by_hand(cages[0], owner, "Thin", NOW)
    assert Look.objects.get().concern == concern


# Who may


def test_notes_of_another_person_are_not_taken(browser, under_way, owner):
    body = {"person": owner.pk, "items": [item(under_way)]}
    answer = browser.post(ARRIVALS, json.dumps(body), content_type="application/json")
    assert answer.status_code == 409
    assert not Look.objects.exists()


def test_nothing_is_noted_of_a_cage_of_another_lab(browser, under_way):
    make_cage("Other", id=99)
    [(kept, why)] = send(browser, under_way, item(under_way, cage=99))
    assert (kept, why) == (False, "You may not note anything of this cage, or it is gone.")


def test_a_vet_notes_no_work(client_of, cages, owner):
    vet = make_user("vera")
    make_member(vet, owner.own_lab, Role.VET)
    browser = client_of(vet)
    browser.post(LIST, {"room": cages[0].room_id})
    [(kept, why)] = send(browser, Round.objects.get(), item(Round.objects.get(), "food"))
    assert (kept, why) == (False, "You may not note work at this cage.")


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"person": 1, "items": []}', '{"person": 1, "items": 3}', "[" * 90000]
)
def test_what_is_no_list_of_notes_is_refused(browser, body):
    answer = browser.post(ARRIVALS, body, content_type="application/json")
    assert answer.status_code == (400 if body else 415)


def test_a_form_is_no_list_of_notes(browser):
    assert browser.post(ARRIVALS, {"items": "x"}).status_code == 415


def test_more_notes_than_allowed_are_refused(browser, under_way):
    body = {"person": under_way.person_id, "items": [item(under_way)] * (rounds.ITEMS_AT_MOST + 1)}
    answer = browser.post(ARRIVALS, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "told",
    [
        {"key": "x"},
        {"what": "eat"},
        {"at": "soon"},
        {"at": "2026-03-02T07:00"},
        {"cage": "x"},
        {"why": "w" * 101, "what": "skipped"},
        {"why": "\ud83d", "what": "skipped"},
        {"why": "\ud83d"},
        {"key": "\ud83d"},
        {"of": "\ud83d", "what": "undo"},
        {"at": (NOW - timedelta(days=15)).isoformat()},
    ],
)
def test_a_note_that_says_nothing_is_refused_by_itself(browser, under_way, told):
    answers = send(browser, under_way, item(under_way) | told, item(under_way, cage=8))
    assert [kept for kept, _why in answers] == [False, True]


# The code on a card


def test_the_code_on_a_card_opens_the_cage_in_the_round_under_way(browser, under_way):
    answer = browser.get(reverse("round-cage", args=[7]))
    assert answer["Location"] == f"{reverse('round', args=[under_way.pk])}?cage=7"


def test_without_a_round_the_code_opens_the_page_of_the_cage(browser, cages):
    assert browser.get(reverse("round-cage", args=[7]))["Location"] == "/cages/7/"


def test_the_worker_reaches_the_pages_of_rounds_only(browser):
    answer = browser.get(reverse("round-worker"))
    assert answer["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in answer
    assert reverse("round-worker").startswith("/rounds/")


@pytest.mark.parametrize("name", ["round-list", "round", "ended"])
def test_the_number_of_queries_is_fixed(browser, under_way, cages, owner, name):
    address = LIST if name == "round-list" else reverse("round", args=[under_way.pk])
    if name == "ended":
        send(browser, under_way, item(under_way, "end", cage=0, at=NOW))
    browser.get(address)
    before = queries_of(browser.get, address)
    for number in range(10, 16):
        cage = make_cage(f"Colony {number}", owner, id=number, room="R1", rack="A")
        make_mark(cage, NOW, person=under_way.person)
        send(browser, under_way, item(under_way, cage=number))
    assert queries_of(browser.get, address) == before


def test_a_kind_that_is_switched_off_has_no_button(browser, under_way):
    MarkKind.objects.filter(code=BuiltIn.FOOD).update(is_on=False)
    page = browser.get(reverse("round", args=[under_way.pk]))
    assert [kind.code for kind in page.context["taps"]] == ["cage_change", "water"]
