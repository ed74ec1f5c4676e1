"""One act on many cages: the number is named, confirmed and true."""

import pytest
from django.urls import reverse

from cages.models import Cage, CageEvent
from tests.factories import at, make_cage
from tests.pages import text_of

LIST, BULK = reverse("cage-list"), reverse("cage-bulk")
pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_of, user):
    for number in range(1, 13):
        make_cage(f"Colony {number}", user, id=number, room="R2", rack="B", row="A", column=number)
    make_cage("Somebody else's", id=20)
    make_cage("Archived", user, id=21, archived_at=at("06:00"))
    return client_of(user)


def paused():
    return sorted(Cage.objects.filter(is_polled=False).values_list("pk", flat=True))


def confirm(browser, address, **fields):
    count = browser.get(address).context["count"]
    return browser.post(address, {"count": count, **fields}, follow=True)


def test_the_page_names_the_number_and_the_first_ten(browser):
    page = text_of(browser.get(f"{BULK}?act=pause&which=all"))
    assert "Pause 12 cages?" in page
    assert "1 · Colony 1, R2 · rack B · A-01" in page
    assert "and 2 more" in page
    assert paused() == []


def test_only_the_ticked_ones_are_changed_and_the_message_says_how_many(browser):
    page = confirm(browser, f"{BULK}?act=pause&which=ticked&cage=1&cage=3")
    assert "2 cages are paused." in text_of(page)
    assert paused() == [1, 3]
    assert "1 cage is polled again." in text_of(confirm(browser, f"{BULK}?act=resume&cage=3"))
    assert paused() == [1]


def test_all_of_a_filter_are_changed_and_the_way_back_keeps_it(browser):
    page = confirm(browser, f"{BULK}?act=archive&which=all&q=Colony+1", reason="gone")
    assert page.redirect_chain == [(f"{LIST}?q=Colony+1", 302)]
    left = Cage.objects.active().filter(owner__username="ruth").values_list("pk", flat=True)
    assert sorted(left) == list(range(2, 10))
    assert CageEvent.objects.count() == 4


def test_many_are_moved_to_a_room_and_their_bays_cleared(browser):
    confirm(browser, f"{BULK}?act=move&cage=1&cage=2", **{"to-room": "R3", "to-rack": "C"})
    places = [cage.position for cage in Cage.objects.filter(pk__in=[1, 2])]
    assert places == ["R3 · rack C"] * 2
    assert CageEvent.objects.first().after == "R3 · rack C"


def test_a_rack_alone_leaves_each_cage_in_its_room(browser):
    Cage.objects.filter(pk=2).move("R9", "B", at("07:00"))
    confirm(browser, f"{BULK}?act=move&cage=1&cage=2", **{"to-room": "", "to-rack": "C"})
    places = [cage.position for cage in Cage.objects.filter(pk__in=[1, 2]).order_by("pk")]
    assert places == ["R2 · rack C", "R9 · rack C"]
    assert CageEvent.objects.newest_first().filter(cage=2).first().after == "R9 · rack C"


def test_a_move_to_nowhere_is_refused_at_its_field(browser):
    response = confirm(browser, f"{BULK}?act=move&cage=1", **{"to-room": " ", "to-rack": ""})
    assert response.context["form"].errors == {"room": ["Enter a room, a rack or both."]}
    assert "Enter a room, a rack or both." in text_of(response)
    assert Cage.objects.get(pk=1).room_name == "R2"


@pytest.mark.parametrize(
    "query",
    ["", "act=pause", "act=purge&cage=1", "act=pause&cage=x", "act=pause&cage=" + "9" * 30]
    + ["act=pause&cage=20", "act=pause&cage=21", "act=pause&which=all&q=nothing"],
)
def test_nothing_to_act_on_leads_back_with_a_word(browser, query):
    for answer in (browser.get, browser.post):
        page = answer(f"{BULK}?{query}", follow=True)
        assert "Select one or more cages first" in text_of(page)
    assert paused() == []


def test_another_number_than_the_one_confirmed_is_shown_first(browser):
    address = f"{BULK}?act=pause&which=all"
    count = browser.get(address).context["count"]
    Cage.objects.get(pk=1).archive(at("07:00"))
    page = text_of(browser.post(address, {"count": count}))
    assert "The number of cages has changed." in page
    assert "Pause 11 cages?" in page
    assert paused() == []


def test_the_largest_id_can_be_ticked_too(browser, user):
    make_cage(owner=user, id=2_000_000_000)
    confirm(browser, f"{BULK}?act=pause&cage=2000000000&cage=2147483648")
    assert paused() == [2_000_000_000]


def test_somebody_elses_cage_cannot_be_slipped_in(browser):
    confirm(browser, f"{BULK}?act=archive&cage=1&cage=20", reason="gone")
    assert not Cage.objects.get(pk=20).is_archived


def test_the_number_of_queries_does_not_grow_with_the_cages(browser, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        browser.get(f"{BULK}?act=pause&which=all")
    with django_assert_max_num_queries(14):
        browser.post(f"{BULK}?act=pause&which=all", {"count": 12})
    assert len(paused()) == 12
