"""Archive and restore, which lose nothing, and purge, which is final and so takes more."""

import logging
import re
import unicodedata

import pytest
import redis
from django.conf import settings
from django.urls import reverse
from kombu.exceptions import OperationalError

from cages.models import Cage, CageState, Health, Poll
from cages.polling.tasks import purge_cage
from cages.storage import purge
from neurocage.celery import app
from people.models import Change
from tests.factories import MINUTE, at, make_cage, record_minutes, slot
from tests.pages import queries_of, text_of

NOW = at("07:02:30")
pytestmark = pytest.mark.usefixtures("clock")
ARCHIVE = reverse("cage-archived")
BAY = {"room": "R2", "rack": "B", "row": "B", "column": 7}
LABEL = "Colony 4"
REASON = {"reason": "The study has ended"}


@pytest.fixture
def cage(user):
    cage = make_cage(LABEL, owner=user, id=117, **BAY)
    record_minutes(cage, slot("06:00"), [Health.BAD, Health.OK, None, Health.PERFECT])
    return cage


@pytest.fixture
def archived(cage):
    cage.archive(at("06:30"))
    return cage


@pytest.fixture
def queue():
    """The real queue that purges go through."""
    with redis.from_url(settings.REDIS_URL) as server:
        server.delete("slots")
        yield server
        server.delete("slots")


def url(name, cage):
    return reverse(f"cage-{name}", args=(cage.pk,))


def measured():
    """Everything that was measured, of all cages."""
    return list(Poll.objects.order_by("pk").values())


# Archive


def test_the_page_says_what_archiving_does_and_what_stays(browser, cage):
    words = text_of(browser.get(url("archive", cage)))
    assert "Archive cage 117? Colony 4, R2 · rack B · B-07" in words
    assert "Polling stops" in words
    assert "All readings and sensor requests stay." in words
    assert "You can restore it" in words
    cage.refresh_from_db()
    assert not cage.is_archived


def test_an_archived_cage_leaves_the_list_and_polling_but_nothing_measured(browser, cage):
    before = measured()
    response = browser.post(url("archive", cage), REASON, follow=True)
    assert response.redirect_chain[-1][0] == reverse("cage-list")
    assert "Cage 117 · Colony 4 is archived. All its data stays." in text_of(response)
    assert "No cages yet" in text_of(response)
    cage.refresh_from_db()
    assert cage.archived_at == NOW
    assert not Cage.objects.polled().exists()
    assert measured() == before


def test_a_reason_is_asked_for_and_noted(browser, cage):
    response = browser.post(url("archive", cage))
    assert response.status_code == 200
    assert set(response.context["form"].errors) == {"reason"}
    cage.refresh_from_db()
    assert not cage.is_archived
    browser.post(url("archive", cage), REASON)
    assert Change.objects.newest_first()[0].reason == REASON["reason"]


# The archive


def test_the_archive_lists_the_newest_first_with_what_can_be_done(browser, user):
    make_cage("Older", owner=user, archived_at=at("05:00"), **BAY)
    make_cage("Newer", owner=user, archived_at=at("06:00"))
    make_cage("Active", owner=user)
    response = browser.get(ARCHIVE)
    assert [cage.label for cage in response.context["cages"]] == ["Newer", "Older"]
    words = text_of(response)
    assert "Newer – 2026-03-02 06:00 Restore…" in words
    assert "Older R2 · rack B · B-07 2026-03-02 05:00 Restore…" in words
    assert "1–2 of 2 archived cages" in words
    assert "Purge" not in words


def test_an_empty_archive_says_what_archiving_is(browser):
    assert "No archived cages" in text_of(browser.get(ARCHIVE))


def test_only_administrators_are_shown_the_way_to_a_purge(
    client_of, archived, staff, administrator
):
    link = url("purge", archived)
    assert link not in client_of(staff).get(ARCHIVE).content.decode()
    assert link in client_of(administrator).get(ARCHIVE).content.decode()


def test_the_archive_is_paged_and_takes_as_many_queries_for_1_as_for_60(browser, user):
    counts = []
    for number in (1, 60):
        Cage.objects.all().delete()
        Cage.objects.bulk_create(
            Cage(label=f"{n}", owner=user, archived_at=NOW - n * MINUTE) for n in range(number)
        )
        counts.append(queries_of(browser.get, ARCHIVE))
    assert "1–50 of 60 archived cages" in text_of(browser.get(ARCHIVE))
    assert counts[0] == counts[1] <= 8
    assert "51–60 of 60" in text_of(browser.get(ARCHIVE, {"page": 2}))


# Restore


def test_the_page_says_what_restoring_does(browser, archived):
    words = text_of(browser.get(url("restore", archived)))
    assert "Restore cage 117? Colony 4, R2 · rack B · B-07" in words
    assert "its sensor is polled again from the next minute" in words
    assert "The time since 2026-03-02 06:30 is marked as not watched." in words


def test_a_paused_cage_is_restored_as_paused(browser, archived):
    Cage.objects.update(is_polled=False)
    assert "stays paused" in text_of(browser.get(url("restore", archived)))
    browser.post(url("restore", archived))
    cage = Cage.objects.get()
    assert (cage.is_archived, cage.is_polled) == (False, False)


def test_a_restored_cage_is_back_with_everything_it_had(browser, archived):
    before = measured()
    response = browser.post(url("restore", archived), follow=True)
    assert response.redirect_chain[-1][0] == archived.get_absolute_url()
    assert "Cage 117 · Colony 4 is restored." in text_of(response)
    cage = Cage.objects.get()
    assert (cage.archived_at, cage.position) == (None, "R2 · rack B · B-07")
    assert list(Cage.objects.polled()) == [cage]
    assert measured() == before
    assert CageState.objects.get(cage=cage).status == Health.PERFECT


def test_a_cage_is_not_restored_into_a_bay_that_was_taken(browser, archived, user):
    make_cage("Newcomer", owner=user, **{**BAY, "rack": "b"})
    response = browser.post(url("restore", archived), follow=True)
    assert response.redirect_chain[-1][0] == url("restore", archived)
    assert "There is another cage in B-07 of this rack." in text_of(response)
    assert "this cage stays archived" in text_of(response)
    archived.refresh_from_db()
    assert archived.is_archived


def test_a_cage_is_not_restored_under_a_label_that_was_taken(browser, archived, user):
    other = make_cage("COLONY 4", owner=user)
    response = browser.post(url("restore", archived), follow=True)
    wanted = f"Cage {other.pk} has this label already: “COLONY 4”."
    assert wanted in text_of(response)
    other.archive(NOW)
    browser.post(url("restore", archived))
    archived.refresh_from_db()
    assert not archived.is_archived


# Purge


@pytest.mark.parametrize("name", ["restore", "purge"])
def test_the_pages_take_few_queries(client_of, archived, administrator, name):
    assert queries_of(client_of(administrator).get, url(name, archived)) <= 10


def order_purge(browser, cage, label=LABEL):
    return browser.post(url("purge", cage), {"label": label, **REASON})


def test_the_page_says_how_much_is_deleted_and_asks_for_the_label(
    client_of, archived, administrator
):
    response = client_of(administrator).get(url("purge", archived))
    words = text_of(response)
    assert "Purge cage 117?" in words
    assert "3 readings and 3 sensor requests and the cage itself are deleted for good." in words
    assert "Type “Colony 4” to confirm." in words
    assert 'name="label"' in response.content.decode()
    assert "value=" not in re.search(r'<input[^>]*name="label"[^>]*>', response.content.decode())[0]


def test_a_label_with_markup_is_only_text_in_messages_and_where_it_is_to_be_typed(
    client_of, cage, administrator
):
    Cage.objects.update(label=(nasty := "<script>alert(1)</script>"))
    browser = client_of(administrator)
    for response, words in (
        (browser.post(url("archive", cage), REASON, follow=True), f"{nasty} is archived"),
        (browser.get(url("purge", cage)), f"Type “{nasty}” to confirm."),
        (order_purge(browser, cage, "wrong"), f"Type “{nasty}” to confirm."),
    ):
        assert "<script>" not in response.content.decode()
        assert words in text_of(response)


@pytest.mark.parametrize("typed", ["", "colony 4", "Colony", "Colony 4\x00"])
def test_without_the_label_nothing_is_ordered(client_of, archived, administrator, queue, typed):
    response = order_purge(client_of(administrator), archived, typed)
    assert response.status_code == 200
    assert set(response.context["form"].errors) == {"label"}
    archived.refresh_from_db()
    assert archived.purge_ordered_at is None
    assert queue.llen("slots") == 0
    assert not purge.orders_of(archived.pk).exists()


def test_a_label_may_be_typed_in_another_form_of_unicode(client_of, archived, administrator, queue):
    Cage.objects.update(label="Süd 4")
    order_purge(client_of(administrator), archived, unicodedata.normalize("NFD", "Süd  4"))
    archived.refresh_from_db()
    assert archived.purge_ordered_at is not None


def test_a_purge_is_ordered_logged_and_queued(client_of, archived, administrator, queue, caplog):
    caplog.set_level(logging.WARNING, logger="cages")
    before = measured()
    response = order_purge(client_of(administrator), archived)
    assert response["Location"] == ARCHIVE
    archived.refresh_from_db()
    assert archived.purge_ordered_at == NOW
    order = purge.orders_of(117).get()
    assert (order.person_id, order.words, order.reason) == (
        administrator.pk, LABEL, REASON["reason"]
    )  # fmt: skip
    assert "ada ordered the purge of cage 117" in caplog.text
    # The page itself deletes nothing.
    assert measured() == before
    assert queue.llen("slots") == 1
    with app.connection_for_read() as broker, broker.SimpleQueue(app.amqp.queues["slots"]) as box:
        message = box.get(timeout=60)
        message.ack()
    assert message.headers["task"] == "cages.polling.tasks.purge_cage"
    assert message.payload[0] == [117]


def test_blanks_around_the_label_do_not_matter(client_of, archived, administrator, queue):
    Cage.objects.update(label=" Colony 4 ")
    assert order_purge(client_of(administrator), archived, "Colony 4 ").status_code == 302


def test_a_cage_that_is_being_purged_cannot_be_restored_but_its_purge_be_ordered_again(
    client_of, archived, administrator, queue
):
    browser = client_of(administrator)
    order_purge(browser, archived)
    words = text_of(browser.get(ARCHIVE))
    assert "Cage 117 · Colony 4 is being purged in the background." in words
    assert "Restore…" not in words
    assert browser.get(url("restore", archived)).status_code == 404
    assert browser.post(url("restore", archived)).status_code == 404
    page = text_of(browser.get(url("purge", archived)))
    assert "The purge of this cage started on 2026-03-02 07:02." in page
    assert order_purge(browser, archived).status_code == 302
    assert queue.llen("slots") == 2


def test_neither_an_active_cage_nor_without_the_right_is_anything_purged(
    client_of, cage, administrator, user, staff, queue
):
    assert order_purge(client_of(administrator), cage).status_code == 404
    cage.archive(at("06:30"))
    for person in (user, staff):
        assert order_purge(client_of(person), cage).status_code == 403
    assert Cage.objects.get().purge_ordered_at is None
    assert queue.llen("slots") == 0


def test_the_deletion_is_noted_in_the_name_of_who_ordered_it(
    client_of, archived, administrator, queue
):
    order_purge(client_of(administrator), archived)
    while purge.step(archived.pk, NOW) is not None:
        pass
    change = Change.objects.get(table="cages_cage", verb="deleted")
    assert (change.row, change.words, change.by) == ("117", LABEL, "ada")
    assert change.reason == REASON["reason"]


def test_while_redis_is_away_the_order_stands_and_the_page_says_so(
    client_of, archived, administrator, monkeypatch
):
    def order_in_vain(cage_id):
        raise OperationalError("Connection refused")

    monkeypatch.setattr(purge_cage, "delay", order_in_vain)
    browser = client_of(administrator)
    assert order_purge(browser, archived).status_code == 302
    assert "Redis does not answer. Start the purge again" in text_of(browser.get(ARCHIVE))
    archived.refresh_from_db()
    assert archived.purge_ordered_at == NOW
