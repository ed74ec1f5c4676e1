"""The night sheet by mail: once to each who wants it, as a PDF that can be read without colour."""

import io
from datetime import timedelta
from email import message_from_string, policy

import pypdf
import pytest

from cages.models import Health, Outcome
from tests.factories import MINUTE, at, give_light, make_cage, make_schedule, make_user, write_polls
from welfare.models import Delivery, NightSheet, Notice, Why, Wish
from welfare.night.making import make_due
from welfare.night.sheet import sheet_of
from welfare.notices.sending import send_due

NOW = at("07:02:30")
DAY = timedelta(days=1)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def vet():
    """A person with a cage in R1 that was Bad for an hour of its night, who wants night sheets."""
    person = make_user("vera", email="vera@example.org")
    cage = make_cage("Colony Bär", person, id=7, room="R1", rack="A", row="B", column=7)
    cage.created_at = at("00:00") - 30 * DAY
    cage.save()
    give_light(cage.room, make_schedule(), at("00:00") - 60 * DAY)
    night = [Health.PERFECT] * 300 + [Health.BAD] * 60 + [Outcome.TIMEOUT] * 90
    night += [Health.PERFECT] * 270
    start = at("19:00") - DAY
    write_polls(cage, [(start + n * MINUTE, each, 900) for n, each in enumerate(night)])
    Wish.objects.create(person=person, night_by_mail=True)
    return person


def sent_in(letter):
    """(the mail, the text of its PDF, the number of its pages)"""
    mail = message_from_string(letter, policy=policy.default)
    [file] = list(mail.iter_attachments())
    assert file.get_content_type() == "application/pdf"
    pages = pypdf.PdfReader(io.BytesIO(file.get_content())).pages
    return mail, " ".join(" ".join(page.extract_text() for page in pages).split()), len(pages)


def make_and_send():
    make_due(NOW)
    return send_due(lambda: NOW)


def test_the_sheet_arrives_once_as_a_pdf_with_its_coverage(letters, vet):
    assert make_and_send() == 1
    assert make_and_send() == 0
    [(_to, letter)] = letters.got
    mail, words, pages = sent_in(letter)
    assert mail["To"] == "vera@example.org"
    assert mail["Subject"] == "[Neurocage] Night sheet of 2026-03-02: 1 of 1 cages · R1"
    assert "/night/" in mail.get_body().get_content()
    assert mail.get_body().get_content_type() == "text/plain"
    assert next(mail.iter_attachments()).get_filename().endswith("2026-03-02.pdf")
    assert pages == 1
    assert "as it was known at 2026-03-02 07:02" in words
    assert "B-07 · Colony Bär" in words
    assert "Bad in 60 of 630 known minutes (720 in the phase)" in words
    # What came after it is not known.
    assert "longest at least 60 min from 00:00, 60 of 60 known" in words
    assert "Unseen for 90 of 720 minutes; longest 90 min from 01:00 - check by eye" in words


def test_the_pdf_holds_no_colour(vet):
    from cages.models import Cage
    from welfare.night.paper import paper_of

    make_due(NOW)
    kept = NightSheet.objects.get()
    paper = paper_of(kept, sheet_of(kept, Cage.objects.all(), NOW))
    page = pypdf.PdfReader(io.BytesIO(paper)).pages[0]
    words = page.get_contents().get_data().split()
    # What stands before the operators of colours: three equal shares of red, green and blue.
    colours = [words[n - 3 : n] for n, word in enumerate(words) if word in (b"rg", b"RG")]
    assert all(red == green == blue for red, green, blue in colours)
    assert not {b"K", b"k"} & set(words)
    fonts = {str(font.get_object()["/BaseFont"]) for font in page["/Resources"]["/Font"].values()}
    # The shapes of Bad and unseen.
    assert "/ZapfDingbats" in fonts


def test_who_wants_other_rooms_or_sees_no_cage_or_has_no_address_is_told_nothing(vet):
    elsewhere = make_cage(room="R2").room
    other = make_user("tim", email="tim@example.org")
    Wish.objects.create(person=other, night_by_mail=True)
    Wish.objects.create(person=make_user("nobody", is_staff=True), night_by_mail=True)
    Wish.objects.get(person=vet).rooms.set([elsewhere])
    make_due(NOW)
    assert not Notice.objects.exists()


def test_the_mail_is_in_the_language_of_the_wish(letters, vet):
    Wish.objects.update(language="de")
    make_and_send()
    mail, words, _pages = sent_in(letters.next())
    assert "Nachtblatt" in mail["Subject"]
    assert "Nachtblatt" in words


def test_the_notice_stays_in_the_application(vet):
    make_due(NOW)
    notice = Notice.objects.get()
    assert (notice.why, notice.recipient) == (Why.NIGHT, vet)
    assert Delivery.objects.get(notice=notice).channel is None


def test_letters_that_the_font_has_not_do_not_stop_the_sheet(letters, vet):
    cage = vet.cages.get()
    cage.label = "ネズミ 4"
    cage.save()
    make_and_send()
    _mail, words, _pages = sent_in(letters.next())
    assert "B-07 · ??? 4" in words


def test_a_large_room_with_little_to_say_is_two_pages(letters, vet):
    first = vet.cages.get()
    start = at("19:00") - DAY
    for number in range(100, 579):
        bay = {"rack": f"Rack {number % 6}", "row": "ABCDEFGH"[number // 6 % 8]}
        bay["column"] = number // 48 + 1
        created = first.created_at
        cage = make_cage(f"Colony {number}", vet, id=number, room="R1", created_at=created, **bay)
        bad = 60 if number < 119 else 0
        night = [Health.PERFECT] * (720 - bad) + [Health.BAD] * bad
        write_polls(cage, [(start + n * MINUTE, each, 900) for n, each in enumerate(night)])
    make_and_send()
    mail, words, pages = sent_in(letters.next())
    assert "20 of 480 cages" in mail["Subject"]
    assert "Leave alone: 460" in words
    assert pages <= 2
