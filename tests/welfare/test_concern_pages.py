"""The pages of concerns, and the marks on the pages of cages."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from cages.models import Health, WallLink
from people.models import Role
from tests.factories import at, make_cage, make_cycle, make_member, make_user, record_minutes, slot
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.models import Concern, Ending, Finding, Kind, Life, Reason

NOW = at("07:10:30")
pytestmark = pytest.mark.usefixtures("clock")
DESK = reverse("concern-list")
CLOSED = reverse("concern-closed")


@pytest.fixture
def owner(db):
    return make_user("owner")


@pytest.fixture
def cage(owner):
    cage = make_cage("PV-Cre pair", owner=owner, id=700, room="R2", rack="B", row="B", column=7)
    make_cycle(slot("07:09"), planned=1)
    record_minutes(cage, slot("06:40"), [Health.BAD] * 30)
    return cage


@pytest.fixture
def people(owner):
    found = {}
    for role in (Role.TECHNICIAN, Role.VET):
        found[role] = make_user(role.value)
        make_member(found[role], owner.own_lab, role)
    return found


@pytest.fixture
def technician(client_of, people):
    return client_of(people[Role.TECHNICIAN])


@pytest.fixture
def vet(client_of, people):
    return client_of(people[Role.VET])


@pytest.fixture
def concern(cage):
    return make_concern(cage)


def text_of(response):
    return " ".join(response.content.decode().split())


def words_of(response):
    """The text of the page without its markup."""
    from django.utils.html import strip_tags

    return " ".join(strip_tags(response.content.decode().split("<main")[1]).split())


def queries_of(browser, address):
    browser.get(address)
    with CaptureQueriesContext(connection) as queries:
        browser.get(address)
    return len(queries)


# The desk


def test_the_desk_says_that_nothing_is_open(vet, cage):
    assert "No open concerns" in words_of(vet.get(DESK))


def test_a_row_says_since_when_how_much_was_known_and_how_it_is_now(vet, concern):
    words = words_of(vet.get(DESK))
    assert "for at least 40 min, since 2026-03-02 06:30" in words
    assert "When it was raised: 26 of 27 known readings Bad, in 30 minutes" in words
    assert "Now: Bad 1 min ago" in words
    assert "not acknowledged" in words


def test_a_row_says_who_acknowledged_and_until_when(vet, concern, people):
    desk.acknowledge(concern.pk, people[Role.TECHNICIAN], Reason.ON_MY_WAY, "", NOW)
    assert "acknowledged by technician, until 2026-03-02 11:10" in words_of(vet.get(DESK))


def test_a_held_concern_says_that_nothing_is_known(vet, concern):
    Concern.objects.update(held_since=slot("07:05"))
    words = words_of(vet.get(DESK))
    assert "unseen since 2026-03-02 07:05: not known whether it lasts" in words
    # And not 40 min, until now.
    assert "for at least 35 min" in words


def test_a_look_by_eye_that_is_asked_for_is_shown(vet, cage):
    concern = make_concern(cage, Kind.UNSEEN, facts={"unanswered": 60, "by_eye": True})
    for address in (DESK, concern.get_absolute_url()):
        assert "To be checked by eye: nothing has been read" in words_of(vet.get(address))


def test_a_lapsed_recheck_is_shown(vet, concern, people):
    due = NOW - timedelta(minutes=5)
    vera = people[Role.VET]
    desk.find(concern.pk, vera, Finding.SICK, "", due - timedelta(hours=1), recheck_at=due)
    assert "Recheck was due at 2026-03-02 07:05" in words_of(vet.get(DESK))


def test_the_worst_stands_first(vet, owner, cage):
    weak = make_concern(cage, Kind.SENSOR_WEAK, raised="06:00")
    over = make_concern(make_cage(owner=owner), raised="06:10", over_slot=slot("06:50"))
    late = make_concern(cage, raised="07:00")
    early = make_concern(make_cage(owner=owner), raised="06:30")
    assert list(vet.get(DESK).context["concerns"]) == [early, late, over, weak]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["new", "mine", "over", "weak", "planned"]),
        ("?kind=sensor_weak", ["weak"]),
        ("?whose=new", ["new", "weak"]),
        ("?whose=mine", ["mine"]),
        ("?whose=over", ["over"]),
        ("?whose=due", ["mine"]),
        ("?drills=1", ["drill"]),
        ("?kind=nonsense&whose=nonsense&room=nonsense", ["new", "mine", "over", "weak", "planned"]),
    ],
)
def test_the_desk_is_filtered(vet, owner, people, cage, query, expected):
    made = {
        "new": make_concern(cage),
        "mine": make_concern(make_cage(owner=owner), recheck_at=NOW - timedelta(hours=1)),
        "over": make_concern(make_cage(owner=owner), over_slot=slot("07:05")),
        "weak": make_concern(cage, Kind.SENSOR_WEAK),
        "planned": make_concern(make_cage(owner=owner), recheck_at=NOW + timedelta(hours=1)),
        "drill": make_concern(make_cage(owner=owner), is_drill=True),
    }
    desk.acknowledge(made["mine"].pk, people[Role.VET], Reason.LOOKED, "", NOW)
    shown = list(vet.get(DESK + query).context["concerns"])
    assert {one.pk for one in shown} == {made[name].pk for name in expected}
    lives = dict(vet.get(DESK + query).context["lives"])
    assert lives == {Life.NEW: 2, Life.TAKEN: 1, Life.PLANNED: 1, Life.OVER: 1}


def test_the_desk_is_filtered_by_the_room_of_a_cage_or_a_rack(vet, owner, cage):
    here = make_concern(cage)
    rack = make_concern(None, Kind.PLACE_SILENT, rack=cage.rack, subject="rack:1")
    make_concern(make_cage(owner=owner, room="R3"))
    shown = vet.get(f"{DESK}?room={cage.room_id}").context["concerns"]
    assert {one.pk for one in shown} == {here.pk, rack.pk}


def test_the_desk_shows_50_on_a_page(vet, owner):
    for _number in range(51):
        make_concern(make_cage(owner=owner))
    assert len(vet.get(DESK).context["concerns"]) == 50
    assert len(vet.get(f"{DESK}?page=2").context["concerns"]) == 1


def test_the_pages_take_as_many_queries_for_100_as_for_one(vet, owner, cage, concern):
    desk.find(make_concern(cage, Kind.UNSEEN).pk, owner, Finding.SENSOR, "", NOW)
    addresses = [DESK, CLOSED, reverse("concern-quality"), concern.get_absolute_url()]
    before = [queries_of(vet, address) for address in addresses]
    for number in range(99):
        other = make_cage(owner=owner, room=f"R{number % 9}", rack=f"K{number % 9}")
        make_concern(other)
        desk.find(make_concern(other, Kind.UNSEEN).pk, owner, Finding.SENSOR, "", NOW)
        desk.comment(concern.pk, owner, "still so", NOW)
    assert [queries_of(vet, address) for address in addresses] == before
    assert before <= [11, 9, 10, 15]


def test_an_open_page_that_has_not_changed_is_not_sent_again(vet, concern, people):
    first = vet.get(DESK, headers={"HX-Request": "true"})
    asked = {"HX-Request": "true", "If-None-Match": first["ETag"]}
    assert vet.get(DESK, headers=asked).status_code == 304
    desk.acknowledge(concern.pk, people[Role.TECHNICIAN], Reason.LOOKED, "", NOW)
    assert vet.get(DESK, headers=asked).status_code == 200


# One concern


def test_the_page_says_what_it_means_and_shows_the_hour_before(technician, concern):
    response = technician.get(concern.get_absolute_url())
    words = words_of(response)
    assert "Cause Nearly all known readings of this cage have been Bad" in words
    assert "What to check Look at the animals" in words
    assert response.context["minutes"].count(Health.BAD) == 21
    assert "/cages/700/?at=2026-03-02T07%3A00%2B0100" in text_of(response)


def test_the_page_speaks_german(technician, concern):
    technician.cookies["django_language"] = "de"
    assert "Was zu prüfen ist" in words_of(technician.get(concern.get_absolute_url()))
    translation.activate("en")


def test_what_was_typed_stays_when_the_form_is_refused(technician, concern):
    sent = {"act": "acknowledge", "acknowledge-text": "back in ten minutes"}
    response = technician.post(concern.get_absolute_url(), sent)
    assert "back in ten minutes" in text_of(response)
    assert "This field is required." in words_of(response)
    assert not response.context["is_live"]


def test_other_needs_words(technician, concern):
    sent = {"act": "acknowledge", "acknowledge-reason": "other"}
    assert "Write down the reason." in words_of(technician.post(concern.get_absolute_url(), sent))


def test_a_concern_that_was_closed_meanwhile_says_by_whom_and_loses_no_words(
    technician, concern, people
):
    desk.find(concern.pk, people[Role.VET], Finding.SICK, "", NOW)
    sent = {
        "act": "acknowledge",
        "acknowledge-reason": "looked",
        "acknowledge-text": "one limps",
    }
    response = technician.post(concern.get_absolute_url(), sent)
    words = words_of(response)
    assert "Nothing was saved: the concern was closed meanwhile." in words
    assert "Closed on 2026-03-02 07:10 by vet · closed with a finding: Sick" in words
    assert "one limps" in text_of(response)


def test_who_is_second_is_told_and_can_send_it_again(technician, vet, concern, people):
    newest = technician.get(concern.get_absolute_url()).context["newest"]
    desk.acknowledge(concern.pk, people[Role.VET], Reason.ON_MY_WAY, "", NOW)
    sent = {"act": "acknowledge", "acknowledge-reason": "looked", "newest": newest}
    response = technician.post(concern.get_absolute_url(), sent)
    assert "vet was quicker: acknowledged." in words_of(response)
    again = {**sent, "newest": response.context["newest"]}
    assert technician.post(concern.get_absolute_url(), again).status_code == 302


def test_a_finding_with_a_recheck_is_saved(vet, concern):
    sent = {"act": "finding", "finding-finding": "sick", "finding-recheck": "2"}
    vet.post(concern.get_absolute_url(), sent)
    concern.refresh_from_db()
    assert (concern.is_open, concern.recheck_at) == (True, NOW + timedelta(hours=2))


@pytest.mark.parametrize("recheck", ["3", "-1", "999999999", "x"])
def test_a_recheck_that_is_not_offered_is_refused(vet, concern, recheck):
    sent = {"act": "finding", "finding-finding": "sick", "finding-recheck": recheck}
    assert vet.post(concern.get_absolute_url(), sent).status_code == 200
    concern.refresh_from_db()
    assert concern.finding == ""


@pytest.mark.parametrize("newest", ["", "x", "-1", "9" * 4000])
def test_a_strange_number_of_the_newest_entry_does_no_harm(technician, concern, newest):
    sent = {"act": "acknowledge", "acknowledge-reason": "looked", "newest": newest}
    assert technician.post(concern.get_absolute_url(), sent).status_code == 302


def test_texts_are_never_markup(technician, vet, concern):
    sent = {"act": "comment", "comment-text": "<b>bold</b>"}
    technician.post(concern.get_absolute_url(), sent)
    assert "&lt;b&gt;bold&lt;/b&gt;" in text_of(vet.get(concern.get_absolute_url()))


def test_a_nul_and_a_long_text_are_refused(technician, concern):
    for text in ("a\x00b", "x" * 2001):
        sent = {"act": "comment", "comment-text": text}
        assert technician.post(concern.get_absolute_url(), sent).status_code == 200
    assert concern.trail.count() == 1


# By hand


def test_a_vet_opens_a_concern_by_hand(vet, cage):
    response = vet.post("/concerns/new/?cage=700", {"open-text": "One mouse limps."}, follow=True)
    words = words_of(response)
    assert "Seen at the cage PV-Cre pair" in words
    assert "One mouse limps." in words


def test_the_second_one_by_hand_is_led_to_the_first_and_loses_no_words(vet, cage):
    vet.post("/concerns/new/?cage=700", {"open-text": "One mouse limps."})
    response = vet.post("/concerns/new/?cage=700", {"open-text": "It does not drink."})
    assert "There is an open concern of this kind." in words_of(response)
    assert "It does not drink." in text_of(response)
    assert Concern.objects.get().get_absolute_url() in text_of(response)


def test_the_menu_of_a_cage_offers_it_to_those_who_may(vet, technician, cage):
    address = "/concerns/new/?cage=700"
    assert address in text_of(vet.get("/cages/700/"))
    assert address not in text_of(technician.get("/cages/700/"))


# Closed ones


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (Ending.NOT_WATCHED, "It is not known whether it is over."),
        (Ending.WITHDRAWN, "Results that arrived late show that it was not so."),
    ],
)
def test_what_ended_otherwise_is_not_shown_as_over(vet, cage, ending, words):
    concern = make_concern(cage, Kind.UNSEEN, over_slot=NOW)
    desk.close_by_itself([concern], ending, NOW)
    shown = words_of(vet.get(concern.get_absolute_url()))
    assert words in shown
    assert "over since" not in shown


def test_closed_ones_are_those_of_the_window(vet, owner, cage):
    new = make_concern(cage)
    old = make_concern(make_cage(owner=owner))
    desk.find(new.pk, owner, Finding.NORMAL, "", NOW)
    desk.find(old.pk, owner, Finding.NORMAL, "", NOW - timedelta(days=8))
    assert list(vet.get(f"{CLOSED}?days=7").context["concerns"]) == [new]
    assert list(vet.get(f"{CLOSED}?days=30").context["concerns"]) == [new, old]


def test_the_export_has_a_row_for_each_concern_with_its_finding(vet, owner, cage):
    concern = make_concern(cage)
    desk.find(concern.pk, owner, Finding.SICK, "=limps, badly", NOW)
    sent = vet.get(f"{reverse('concern-export')}?days=7")
    (row,) = csv.DictReader(io.StringIO(b"".join(sent.streaming_content).decode()))
    wanted = {
        "concern_id": str(concern.pk),
        "kind": "bad_long",
        "cage_id": "700",
        "since_utc": "2026-03-02T05:30:00Z",
        "is_since_known": "0",
        "finding": "sick",
        "finding_text": "=limps, badly",
        "closed_utc": "2026-03-02T06:10:30Z",
    }
    assert wanted.items() <= row.items()


def test_the_data_dictionary_explains_each_column_of_the_export(vet, cage):
    dictionary = vet.get(reverse("cage-export-dictionary")).content.decode("utf-8-sig")
    explained = [
        row["column"]
        for row in csv.DictReader(io.StringIO(dictionary))
        if row["file"] == "concerns"
    ]
    sent = vet.get(reverse("concern-export"))
    assert b"".join(sent.streaming_content).decode().splitlines()[0].split(",") == explained


# On the pages of cages


@pytest.mark.parametrize("address", ["/cages/", "/cages/700/", "/wall/?room=all", "rack"])
def test_a_cage_with_an_open_concern_is_marked(vet, concern, people, address):
    address = f"/racks/{concern.cage.rack_id}/" if address == "rack" else address
    assert "Concern: not acknowledged" in words_of(vet.get(address))
    desk.acknowledge(concern.pk, people[Role.TECHNICIAN], Reason.LOOKED, "", NOW)
    assert "Concern: acknowledged" in words_of(vet.get(address))
    Concern.objects.update(over_slot=slot("07:05"))
    assert "Concern: over, finding due" in words_of(vet.get(address))
    Concern.objects.update(recheck_at=NOW + timedelta(hours=1))
    assert "Concern: found, recheck planned" in words_of(vet.get(address))
    desk.find(concern.pk, people[Role.VET], Finding.NORMAL, "", NOW)
    assert "Concern:" not in words_of(vet.get(address))


def test_a_mark_shows_what_is_new_before_a_planned_recheck(vet, cage):
    make_concern(cage, recheck_at=NOW + timedelta(hours=1))
    make_concern(cage, Kind.BY_EYE, raised="07:05")
    assert "2 concerns: not acknowledged" in words_of(vet.get(cage.get_absolute_url()))


def test_the_overview_of_racks_counts_the_concerns_in_each(vet, concern):
    make_concern(concern.cage, Kind.SENSOR_WEAK)
    assert "2 concerns: not acknowledged" in words_of(vet.get("/racks/"))


def test_a_screen_with_a_link_shows_the_marks_as_well(client, concern, administrator):
    _link, secret = WallLink.objects.issue(administrator, "Corridor", None, NOW, form="1")
    assert "Concern: not acknowledged" in words_of(client.get(f"/screen/{secret}/"))


def test_the_header_and_the_title_count_what_nobody_has_acknowledged(vet, concern, people):
    page = text_of(vet.get("/cages/"))
    assert "(1!) Cages · Neurocage" in page
    assert '1<span class="visually-hidden"> not acknowledged' in page
    desk.acknowledge(concern.pk, people[Role.TECHNICIAN], Reason.LOOKED, "", NOW)
    page = text_of(vet.get("/cages/"))
    assert "(1) Cages · Neurocage" in page
    assert 'class="waiting"' not in page


def test_a_drill_marks_no_cage_and_is_not_counted(vet, cage):
    make_concern(cage, is_drill=True)
    page = text_of(vet.get("/cages/"))
    assert "Concern:" not in page
    assert 'class="waiting"' not in page


def test_marks_cost_one_query_on_each_page_however_many_there_are(vet, owner, concern):
    addresses = ["/cages/", "/cages/700/", "/racks/", "/wall/?room=all"]
    before = [queries_of(vet, address) for address in addresses]
    for _number in range(30):
        make_concern(make_cage(owner=owner))
    assert [queries_of(vet, address) for address in addresses] == before


# For programs


def test_the_metrics_count_open_concerns_by_kind_and_age(vet, owner, cage):
    make_concern(cage)
    make_concern(make_cage(owner=owner), raised_at=NOW - timedelta(hours=30))
    make_concern(make_cage(owner=owner), is_drill=True)
    metrics = vet.get("/metrics").content.decode()
    assert 'neurocage_concerns_open{age="1h",kind="bad_long"} 1.0' in metrics
    assert 'neurocage_concerns_open{age="over_24h",kind="bad_long"} 1.0' in metrics
    assert 'neurocage_concerns_open{age="4h",kind="unseen"} 0.0' in metrics
