"""What the operations page shows of deliveries and of sensors by rack."""

from datetime import timedelta

import pytest
from django.urls import reverse

from cages.models import Rack, Room
from tests.factories import MINUTE, at
from tests.pages import queries_of, text_of
from welfare.models import Channel, Delivery, Failure, Notice, RackStanding, Why
from welfare.models.sensor import COUNTS

NOW = at("07:02:30")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def browser(client_of, staff):
    return client_of(staff)


def deliver(made_at=NOW, due_at=NOW, **fields):
    return Delivery.objects.create(made_at=made_at, due_at=due_at, **fields)


def test_without_a_delivery_the_page_says_that_there_was_none(browser):
    words = text_of(browser.get(reverse("ops")))
    assert "None was made in the last 24 hours. None that is due waits." in words


def test_deliveries_of_a_day_are_told_by_result_and_those_that_wait_however_old(browser):
    for _ in range(2):
        deliver(sent_at=NOW)
    deliver(failure=Failure.TIMEOUT, tries=1)
    deliver(failure=Failure.TIMEOUT, tries=9, ended_at=NOW)
    deliver(ended_at=NOW)
    deliver(due_at=NOW + 60 * MINUTE)
    deliver(made_at=NOW - timedelta(days=2))
    deliver(made_at=NOW - timedelta(days=3), sent_at=NOW)
    words = text_of(browser.get(reverse("ops")))
    results = (
        "Sent 2 Not tried yet 1 Failed, is tried again 1 Failed and given up 1 "
        "Not needed any more 1"
    )
    assert f"6 were made in the last 24 hours. {results}" in words
    assert "2 wait and are due. The oldest was made 2026-02-28 07:02 (2 d ago)." in words
    assert "1 waits for its time." in words


def test_a_person_whose_address_is_refused_is_named_until_mail_reaches_them(browser, user):
    told = {"why": Why.RAISED, "subject": "s", "text": "t", "made_at": NOW}
    notice = Notice.objects.create(recipient=user, **told)
    tries = {"failure": Failure.REFUSED_ADDRESS, "tries": 2, "failed_at": NOW}
    deliver(notice=notice, **tries)
    told_as = f"The mail server takes no mail for the address of: {user.get_username()} (07:02)"
    page = text_of(browser.get(reverse("ops")))
    assert told_as in page
    later = Notice.objects.create(recipient=user, **told)
    deliver(notice=later, sent_at=NOW + MINUTE)
    assert "takes no mail" not in text_of(browser.get(reverse("ops")))


def test_only_who_manages_channels_is_led_to_them(browser, client_of, administrator):
    address = reverse("notice-channels")
    assert address not in browser.get(reverse("ops")).content.decode()
    administrator.is_staff = True
    administrator.save()
    assert address in client_of(administrator).get(reverse("ops")).content.decode()


def stand(number, weak):
    room, _ = Room.objects.get_or_create(name="R2")
    rack = Rack.objects.create(name=f"B{number}", room=room)
    RackStanding.objects.create(
        hour=at("07:00"),
        room=room,
        rack=rack,
        cages=40,
        judged=38,
        weak=weak,
        **dict.fromkeys(COUNTS, 0),
    )


def test_the_worst_three_racks_are_told_by_the_sensors_that_are_weak(browser):
    for number, weak in enumerate((1, 9, 0, 4)):
        stand(number, weak)
    words = text_of(browser.get(reverse("ops")))
    told = words.partition("Sensors by rack")[2].partition("All sensors")[0]
    assert "judged at 2026-03-02 07:00" in told
    assert told.index("Rack B1") < told.index("Rack B3") < told.index("Rack B0")
    assert "9 of 38" in told
    assert "Rack B2" not in told
    assert "The 3 worst of 4." in told


def test_the_number_of_queries_does_not_grow_with_racks_and_deliveries(browser):
    browser.get(reverse("ops"))  # compares the zones, which is done once a day
    counts = []
    for number in range(2):
        for each in range(1 + number * 9):
            stand(f"{number}-{each}", each)
            channel = Channel.objects.create(name=f"{number}-{each}", made_at=NOW)
            deliver(channel=channel, sent_at=NOW)
        counts.append(queries_of(browser.get, reverse("ops")))
    assert counts[0] == counts[1]


def test_the_page_answers_while_redis_is_away(browser, settings):
    stand(1, 2)
    deliver()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    words = text_of(browser.get(reverse("ops")))
    assert "Redis does not say how many messages wait." in words
    assert "1 waits and is due." in words
    assert "2 of 38" in words
