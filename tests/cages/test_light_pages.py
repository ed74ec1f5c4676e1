"""The pages on which people say which light a room or a cage has since when."""

from datetime import time, timedelta

import pytest
from django.urls import reverse

from cages.models import LightPeriod, LightSchedule
from cages.models.light import LightScheduleQuerySet, Regime
from people.models import Change, Role
from tests.factories import (
    at,
    give_light,
    make_cage,
    make_member,
    make_schedule,
    make_user,
)
from tests.pages import errors_of, queries_of, text_of

NOW = at("07:12:30")
LIGHT, NEW = reverse("light"), reverse("light-schedule-create")
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def cage(user):
    return make_cage("Colony 1", user, room="R2", rack="B")


@pytest.fixture
def staff_browser(client_of, staff):
    return client_of(staff)


def of_room(cage):
    return reverse("room-light", args=[cage.room_id])


def of_cage(cage):
    return reverse("cage-light", args=[cage.pk])


def filled(schedule="", day="2026-03-02", clock="07:00", **fields):
    return {"schedule": schedule, "day": day, "clock": clock, "note": "", **fields}


def new(**fields):
    made = {"name": "12:12 from 07:00", "regime": "cycle", "lights_on": "07:00"}
    return {**made, "lights_off": "19:00", "follows": "facility", "offset": "1", **fields}


def test_a_schedule_is_made_once_and_listed(browser, cage):
    browser.post(NEW, new())
    schedule = LightSchedule.objects.get()
    assert (schedule.times, schedule.utc_offset_minutes) == ("07:00–19:00", None)
    assert "12:12 from 07:00 07:00–19:00 Europe/Berlin" in text_of(browser.get(LIGHT))
    assert errors_of(browser.post(NEW, new(name="12:12 FROM 07:00")))["name"]


def test_a_timer_that_ignores_summer_time_gets_the_standard_offset(browser, cage):
    assert 'value="1"' in str(browser.get(NEW).context["form"]["offset"])
    browser.post(NEW, new(follows="timer"))
    assert LightSchedule.objects.get().utc_offset_minutes == 60
    assert "UTC+01:00 all year" in text_of(browser.get(LIGHT))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"lights_off": "07:00"}, "__all__"),
        ({"lights_on": ""}, "__all__"),
        ({"follows": "timer", "offset": ""}, "offset"),
        ({"follows": "timer", "offset": "1.1"}, "offset"),
        ({"follows": "timer", "offset": "20"}, "offset"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(browser, cage, wrong, field):
    page = browser.post(NEW, new(**wrong))
    assert field in page.context["form"].errors
    assert not LightSchedule.objects.exists()


def test_constant_dark_needs_no_times(browser, cage):
    browser.post(NEW, new(name="DD", regime="dark"))
    assert LightSchedule.objects.get().lights_on is None


def test_whoever_changes_no_cage_makes_no_schedule(client_of, cage):
    technician = make_user("tim")
    make_member(technician, cage.lab, Role.TECHNICIAN)
    assert client_of(technician).get(NEW).status_code == 403


def test_a_change_of_a_room_is_told_in_words_before_it_is_saved(staff_browser, staff, cage):
    schedule = make_schedule()
    page = staff_browser.post(of_room(cage), filled(schedule.pk))
    words = "12:12 from 07:00 (07:00–19:00), from Mon 2026-03-02 07:00 on."
    assert f"{words} Days before stay as they were." in text_of(page)
    assert not LightPeriod.objects.exists()
    page = staff_browser.post(of_room(cage), filled(schedule.pk, sure="1"), follow=True)
    assert f"R2: {words}" in text_of(page)
    period = LightPeriod.objects.get()
    assert (period.room, period.starts_at, period.noted_by) == (cage.room, at("07:00"), staff)
    assert "ZT 0:12, lights on since 07:00" in text_of(page)


def test_a_change_between_two_others_says_where_it_ends(staff_browser, cage):
    schedule = make_schedule()
    give_light(cage.room, schedule, at("00:00") + timedelta(days=7))
    page = staff_browser.post(of_room(cage), filled(schedule.pk))
    assert "until the next change on Mon 2026-03-09 00:00" in text_of(page)


def test_a_phase_that_another_schedule_goes_on_with_began_where_it_began(staff_browser, cage):
    give_light(cage.room, make_schedule(), at("00:00") - timedelta(days=9))
    give_light(cage.room, make_schedule("Late", on="10:00", off="22:00"), at("00:00"))
    assert "dark since 19:00" in text_of(staff_browser.get(of_room(cage)))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"day": "2026-02-30"}, "day"),
        ({"day": "2030-01-01"}, "day"),
        ({"day": "1066-01-01"}, "clock"),
        # The clock is set forward, and back.
        ({"day": "2026-03-29", "clock": "02:30"}, "clock"),
        ({"day": "2026-10-25", "clock": "02:30"}, "clock"),
        ({"schedule": "999"}, "schedule"),
    ],
)
def test_a_moment_that_makes_no_sense_is_refused(staff_browser, cage, wrong, field):
    page = staff_browser.post(of_room(cage), filled(make_schedule().pk, sure="1") | wrong)
    assert field in page.context["form"].errors
    assert not LightPeriod.objects.exists()


def test_the_form_begins_with_what_the_place_has(staff_browser, cage):
    schedule = make_schedule()
    give_light(cage.room, schedule, at("07:00"))
    page = staff_browser.get(of_room(cage))
    assert page.context["form"]["schedule"].value() == schedule.pk


def test_two_changes_at_one_moment_are_refused(staff_browser, cage):
    schedule = make_schedule()
    give_light(cage.room, schedule, at("07:00"))
    errors = errors_of(staff_browser.post(of_room(cage), filled(schedule.pk, sure="1")))
    assert errors["day"] == ["There is a change at this moment already. Remove it first."]


def test_a_cage_gets_a_schedule_of_its_own_and_follows_its_room_again(browser, cage):
    give_light(cage.room, make_schedule(), at("00:00") - timedelta(days=9))
    reverse_one = make_schedule("Reverse", on="19:00", off="07:00")
    browser.post(of_cage(cage), filled(reverse_one.pk, sure="1"))
    assert "Now: Reverse 19:00–07:00, Europe/Berlin" in text_of(browser.get(of_cage(cage)))
    browser.post(of_cage(cage), filled("", clock="07:10", sure="1"))
    shown = text_of(browser.get(of_cage(cage)))
    assert "12:12 from 07:00 07:00–19:00, Europe/Berlin · ZT 0:12" in shown
    assert "· as its room" in shown


def test_who_may_only_see_a_place_sees_its_light_and_changes_nothing(client_of, cage):
    technician = make_user("tim")
    make_member(technician, cage.lab, Role.TECHNICIAN)
    browser = client_of(technician)
    period = give_light(cage.room, make_schedule(), at("07:00"))
    for address in (of_room(cage), of_cage(cage)):
        assert "12:12 from 07:00" in text_of(browser.get(address))
        assert browser.post(address, filled("", sure="1")).status_code == 403
    removal = reverse("light-period-remove", args=[period.pk])
    assert browser.post(removal, {"reason": "why not"}).status_code == 403
    assert LightPeriod.objects.count() == 1


def test_places_of_other_labs_are_not_found(client_of, cage):
    browser = client_of(make_user("eve"))
    period = give_light(cage, make_schedule(), at("07:00"))
    for name, pk in (
        ("room-light", cage.room_id),
        ("cage-light", cage.pk),
        ("light-period-remove", period.pk),
    ):
        assert browser.get(reverse(name, args=[pk])).status_code == 404
    assert "R2" not in text_of(browser.get(LIGHT))


def test_a_wrong_change_is_removed_with_a_reason_that_is_kept(staff_browser, cage):
    period = give_light(cage.room, make_schedule(), at("07:00"))
    address = reverse("light-period-remove", args=[period.pk])
    assert errors_of(staff_browser.post(address, {"reason": ""}))["reason"]
    assert LightPeriod.objects.exists()
    staff_browser.post(address, {"reason": "wrong room"})
    assert not LightPeriod.objects.exists()
    change = Change.objects.filter(table="cages_lightperiod").newest_first()[0]
    assert change.reason == "wrong room"
    assert staff_browser.post(address, {"reason": "again"}).status_code == 404


def test_the_list_says_what_each_room_has_and_what_comes(staff_browser, cage):
    schedule, dark = make_schedule(), make_schedule("DD", on=None, regime=Regime.DARK)
    for days in (9, 5):
        give_light(cage.room, schedule, at("00:00") - timedelta(days=days))
    for days in (3, 6):
        give_light(cage.room, dark, at("00:00") + timedelta(days=days))
    shown = text_of(staff_browser.get(LIGHT))
    row = "R2 12:12 from 07:00 07:00–19:00, Europe/Berlin 2026-02-25 00:00 2026-03-05 00:00: DD"
    assert row in shown


def test_more_rooms_take_no_more_queries(staff_browser, user, cage):
    give_light(cage.room, make_schedule(), at("07:00"))
    before = queries_of(staff_browser.get, LIGHT)
    for number in range(5):
        other = make_cage(owner=user, room=f"More {number}")
        give_light(other.room, LightSchedule.objects.get(), at("07:00"))
    assert queries_of(staff_browser.get, LIGHT) == before <= 10


def test_times_are_shown_without_seconds(browser, cage):
    schedule = make_schedule()
    assert schedule.lights_on == time(7)
    assert "07:00:00" not in text_of(browser.get(LIGHT))


def remove(browser, schedule):
    return browser.post(reverse("light-schedule-remove", args=[schedule.pk]), follow=True)


def test_a_schedule_that_nothing_uses_is_removed(browser, cage):
    schedule = make_schedule("Typo")
    address = reverse("light-schedule-remove", args=[schedule.pk])
    assert address in browser.get(LIGHT).content.decode()
    assert "Typo is removed." in text_of(remove(browser, schedule))
    assert not LightSchedule.objects.exists()
    change = Change.objects.filter(table="cages_lightschedule").latest("pk")
    assert (change.verb, change.words) == ("deleted", "Typo")


@pytest.mark.parametrize("days", [-9, 9], ids=["had once", "planned"])
def test_a_schedule_that_a_place_had_or_is_to_have_stays(browser, cage, days):
    schedule = make_schedule()
    give_light(cage, schedule, at("00:00") + timedelta(days=days))
    give_light(cage, None, at("00:00") + timedelta(days=days + 1))
    address = reverse("light-schedule-remove", args=[schedule.pk])
    assert address not in browser.get(LIGHT).content.decode()
    assert "It cannot be removed" in text_of(browser.get(address))
    assert "stays: a room or a cage uses it." in text_of(remove(browser, schedule))
    assert LightSchedule.objects.exists()


def test_a_schedule_given_to_a_place_at_the_same_moment_stays(browser, cage, monkeypatch):
    schedule = make_schedule()
    give_light(cage.room, schedule, at("00:00"))
    monkeypatch.setattr(LightScheduleQuerySet, "unused", LightScheduleQuerySet.all)
    assert "stays: a room or a cage uses it." in text_of(remove(browser, schedule))
    assert LightSchedule.objects.exists()
