"""Cage cards: which ones, how many on a sheet, and what is on them."""

import pytest
from django.urls import reverse

from cages.models import Room
from tests.factories import make_cage
from tests.pages import text_of

CARDS, BULK = reverse("cage-cards"), reverse("cage-bulk")
pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_of, user):
    for number in range(1, 31):
        make_cage(f"Colony {number}", user, id=number, strain="C57BL/6J", room="R2")
    make_cage("Somebody else's", id=40)
    return client_of(user)


def test_a_card_says_which_cage_it_is_and_opens_it(browser, monkeypatch):
    coded = []
    monkeypatch.setattr(
        "cages.templatetags.cages.segno.make", lambda text, **kind: coded.append(text) or Code()
    )
    page = browser.get(f"{CARDS}?cage=7")
    assert "Cage 7 Colony 7 C57BL/6J ruth" in text_of(page)
    # Into the round of its room, if the person has one under way; else to its page.
    assert coded == ["http://testserver/rounds/cage/7/"]


class Code:
    def svg_inline(self, **kind):
        return "<svg></svg>"


@pytest.mark.parametrize(("asked", "sheets"), [("", [10, 10, 10]), ("&per_sheet=24", [24, 6])])
def test_all_of_the_list_are_laid_out_on_sheets(browser, asked, sheets):
    page = browser.get(f"{CARDS}?which=all{asked}")
    assert [len(sheet) for sheet in page.context["sheets"]] == sheets
    assert page.content.count(b"<svg viewBox") == 30


@pytest.mark.parametrize("asked", ["&per_sheet=11", "&per_sheet=x&paper=a0", ""])
def test_what_makes_no_sense_is_ten_on_a4(browser, asked):
    page = browser.get(f"{CARDS}?cage=7{asked}")
    assert b'class="card-sheet a4 per-10"' in page.content


def test_only_ones_own_cages_are_printed(browser):
    page = browser.get(f"{CARDS}?cage=7&cage=40")
    assert "Somebody else" not in text_of(page)
    assert page.context["shown_count"] == 1


def test_nothing_ticked_leads_back_with_a_word(browser):
    assert "Select one or more cages first" in text_of(browser.get(CARDS, follow=True))


def test_more_than_one_page_holds_are_on_several(browser, monkeypatch):
    monkeypatch.setattr("cages.views.cages.cards.CARDS_SHOWN", 20)
    first, second = (browser.get(f"{CARDS}?which=all&order=id&page={n}") for n in (1, 2))
    assert "1–20 of 30 cages" in text_of(first)
    assert [page.content.count(b"<svg viewBox") for page in (first, second)] == [20, 10]


def test_the_list_leads_to_the_cards_of_what_is_chosen(browser):
    page = browser.get(f"{BULK}?act=cards&which=ticked&cage=3&cage=5&order=label", follow=True)
    assert page.redirect_chain == [(f"{CARDS}?which=ticked&cage=3&cage=5&order=label", 302)]
    assert "2 cage cards" in text_of(page)


def test_the_number_of_queries_does_not_grow_with_the_cards(browser, django_assert_max_num_queries):
    with django_assert_max_num_queries(7):
        browser.get(f"{CARDS}?which=all")


def test_cards_come_in_order_of_position_and_each_sheet_says_which_it_is(browser, user):
    for number, column in ((50, 2), (51, 10), (52, 1)):
        make_cage(
            f"Of the rack {number}", user, id=number, room="R3", rack="A", row="A", column=column
        )
    room = Room.objects.get(name="R3").pk
    page = browser.get(f"{CARDS}?which=all&room={room}&order=label")
    (sheet,) = page.context["sheets"]
    assert [cage.pk for cage, _lines in sheet] == [52, 50, 51]
    assert "Sheet 1 of 1 ·" in text_of(page)
    assert "Room: R3" in text_of(page)
