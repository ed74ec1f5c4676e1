"""The filter of the list: what the address says, and the counts beside it."""

import pytest
from django.http import QueryDict
from django.urls import reverse

from cages.filters import CageFilter, facets
from cages.models import Cage, Condition, Health, Rack, Room
from people.access import Access
from tests.factories import MINUTE, at, make_cage, record_minute, slot
from tests.pages import text_of

NOW = at("07:02:30")
LIST = reverse("cage-list")


def asked(query):
    return CageFilter.from_query(QueryDict(query))


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("", ""),
        ("state=bad&room=2&rack=3&owner=7&q=C57&order=id", None),
        ("order=worst", ""),
        ("order=fastest&state=dead&owner=me&owner=-1&room=R2&rack=", ""),
        ("owner=" + "9" * 30, ""),
        ("q=%00+C57%00", "q=C57"),
        ("q=" + "x" * 200, "q=" + "x" * 100),
        ("page=3&per_page=25&q=a", "q=a"),
    ],
)
def test_the_address_is_read_and_written(query, same):
    wanted = query if same is None else same
    assert dict(QueryDict(asked(query).query).items()) == dict(QueryDict(wanted).items())
    assert asked(asked(query).query) == asked(query)


@pytest.fixture
def facility(user, staff, clock):
    for number, name in enumerate(("R2", "R3"), 1):
        room = Room.objects.create(id=number, name=name)
        Rack.objects.create(id=10 + number, room=room, name="B")
    for number, health in enumerate(Health, 1):
        cage = make_cage(f"Colony {number}", user, id=number, room="R2", rack="B")
        record_minute(cage, slot("07:01"), health)
    make_cage("Silent", staff, id=4, room="R3", rack="b")
    make_cage("Paused", user, id=5, is_polled=False)
    make_cage("New", user, id=6, created_at=NOW - MINUTE)
    make_cage("Gone", user, id=7, archived_at=NOW)


@pytest.mark.usefixtures("facility")
@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [1, 4, 6, 2, 3, 5]),
        ("state=bad", [1]),
        ("state=unseen", [4]),
        ("state=waiting", [6]),
        ("state=ok", [2]),
        ("state=perfect", [3]),
        ("state=paused", [5]),
        ("room=1", [1, 2, 3]),
        ("rack=11", [1, 2, 3]),
        ("rack=12&room=2", [4]),
        ("rack=12&room=1", []),
        ("q=colony&order=id", [1, 2, 3]),
        ("state=bad&q=Silent", []),
    ],
)
def test_the_list_shows_what_passes(client_of, staff, query, ids):
    response = client_of(staff).get(f"{LIST}?{query}")
    assert [cage.pk for cage in response.context["cages"]] == ids
    assert response.context["paginator"].count == len(ids)


@pytest.mark.usefixtures("facility")
def test_the_counts_are_of_the_whole_filtered_set_whatever_state_is_shown(client_of, staff):
    for query in ("", "state=bad"):
        counts = client_of(staff).get(f"{LIST}?{query}").context["states"]
        assert {state: count for state, count, _ in counts} == dict.fromkeys(
            [c for c in Condition if c != Condition.ARCHIVED], 1
        )
    page = client_of(staff).get(f"{LIST}?room=1")
    assert [(state, count) for state, count, _ in page.context["states"]] == [
        (Condition.BAD, 1),
        (Condition.OK, 1),
        (Condition.PERFECT, 1),
    ]
    assert "3 cages 1 Bad 1 Ok 1 Perfect" in text_of(page)


@pytest.mark.usefixtures("facility")
def test_each_count_leads_to_its_cages_and_back(client_of, staff):
    browser = client_of(staff)
    for state, count, chosen in browser.get(LIST).context["states"]:
        page = browser.get(f"{LIST}?{chosen.query}")
        assert page.context["paginator"].count == count
        (back,) = [chosen for shown, _, chosen in page.context["states"] if shown == state]
        assert back.query == ""


@pytest.mark.usefixtures("facility")
def test_the_choices_are_those_of_the_cages_a_person_sees(user, django_assert_num_queries):
    with django_assert_num_queries(1):
        _counts, found = facets(Access(user).sees(Cage.objects.active()), CageFilter(), NOW)
    assert found == {"room": [(1, "R2")], "rack": [(11, "R2 · B")], "owner": [(user.pk, "ruth")]}


@pytest.mark.usefixtures("facility")
def test_a_filter_without_a_match_has_its_own_words(client_of, staff):
    assert "No cages match this filter" in text_of(client_of(staff).get(f"{LIST}?room=9"))


@pytest.mark.usefixtures("facility")
def test_the_cages_beside_one_are_those_of_the_list_it_was_opened_from(client_of, staff):
    browser = client_of(staff)
    beside = browser.get("/cages/2/").context["neighbours"]
    assert {way: cage.pk for way, cage in beside.items()} == {"previous": 6, "next": 3}
    beside = browser.get("/cages/2/?room=1&order=id").context["neighbours"]
    assert {way: cage.pk for way, cage in beside.items()} == {"previous": 1, "next": 3}
    assert browser.get("/cages/7/").context["neighbours"] == {}
    page = browser.get(f"{LIST}?room=1").content.decode()
    assert 'href="/cages/2/?room=1"' in page
    assert 'href="/cages/3/?room=1"' in browser.get("/cages/2/?room=1").content.decode()


@pytest.mark.usefixtures("facility")
def test_known_today_is_of_the_minutes_elapsed(client_of, staff):
    cages = {cage.pk: cage for cage in client_of(staff).get(LIST).context["cages"]}
    assert (cages[1].known_today.count, cages[1].known_today.total) == (1, 422)
    assert cages[4].known_today.count == 0
    assert cages[1].minutes_of_hour[-1] == Health.BAD
    assert len(cages[1].minutes_of_hour) == 60
