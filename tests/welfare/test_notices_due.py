"""Who is told what, and when; nothing twice."""

from datetime import time, timedelta

import pytest

from tests.factories import MINUTE, at, bad_for_days, make_cage, make_user, slot
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.models import (
    Act,
    Channel,
    Concern,
    Delivery,
    DutyShift,
    Ending,
    Kind,
    Notice,
    NoticeSettings,
    Reason,
    Told,
    Why,
    Wish,
)
from welfare.notices import sending
from welfare.notices.grouping import make_notices

RAISED = at("07:00")
HOUR = timedelta(hours=1)


def make_wish(name="vera", kinds=tuple(Kind), rooms=(), **fields):
    person = make_user(name, email=f"{name}@example.org", is_staff=True)
    fields = {"by_mail": True, **fields}
    wish = Wish.objects.create(person=person, kinds=list(kinds), **fields)
    wish.rooms.set(rooms)
    return person


def on_duty(person, place=1, begin=RAISED - HOUR, end=RAISED + 24 * HOUR):
    return DutyShift.objects.create(person=person, place=place, starts_at=begin, ends_at=end)


@pytest.fixture
def vera(db):
    return make_wish()


@pytest.fixture
def cage(db):
    return make_cage("B-07", room="Room 2", rack="B")


def told(person=None):
    rows = Notice.objects.order_by("pk")
    if person:
        rows = rows.filter(recipient=person)
    return [Why(notice.why) for notice in rows]


def end(concern, moment):
    Concern.objects.filter(pk=concern.pk).update(over_slot=moment)


def test_one_concern_is_one_message_that_says_what_is_known(vera, cage):
    make_concern(cage, is_since_known=True, lasted=31)
    make_notices(RAISED + 3 * MINUTE)
    (notice,) = Notice.objects.all()
    assert notice.subject == "[Neurocage] B-07 Bad for 34 min (26 of 27 known) · Room 2"
    assert f"/cages/{cage.pk}/?at=2026-03-02T07:00" in notice.text


def test_it_waits_three_minutes_for_what_has_the_same_cause(vera, cage):
    make_concern(cage)
    assert make_notices(RAISED + 3 * MINUTE - timedelta(seconds=1)) == 0
    assert make_notices(RAISED + 3 * MINUTE) == 1


def test_many_cages_are_one_message_for_each_person(vera, db):
    make_wish("mia")
    for number in range(30):
        make_concern(make_cage(f"C{number}", owner=vera))
    make_notices(RAISED + 3 * MINUTE)
    assert Notice.objects.count() == 2
    assert Notice.objects.filter(subject="[Neurocage] 30 cages: Bad for long").count() == 2
    assert Told.objects.count() == 60


def test_nothing_is_told_twice(vera, cage):
    make_concern(cage)
    for _ in range(3):
        make_notices(RAISED + 4 * MINUTE)
    assert told() == [Why.RAISED]
    assert Delivery.objects.count() == 1


def test_a_clock_that_is_set_back_tells_nothing_again(vera, cage):
    make_concern(cage)
    make_notices(RAISED + 31 * MINUTE)
    make_notices(RAISED + 61 * MINUTE)
    assert told() == [Why.RAISED, Why.REMINDER]
    make_notices(RAISED + 5 * MINUTE)
    make_notices(RAISED + 61 * MINUTE)
    assert told() == [Why.RAISED, Why.REMINDER]


def test_where_nothing_is_collected_a_concern_is_told_at_once(vera, cage):
    NoticeSettings.objects.create(pk=1, collects_for_minutes=0)
    make_concern(cage)
    make_notices(RAISED)
    assert told() == [Why.RAISED]


def test_a_silent_place_is_told_and_not_its_cages(vera, cage):
    facts = {"silent": 38, "cages": 40}
    place = {"rack": cage.rack, "subject": f"rack:{cage.rack_id}", "facts": facts}
    make_concern(kind=Kind.PLACE_SILENT, lasted=3, **place)
    make_notices(RAISED + 3 * MINUTE)
    assert Notice.objects.get().subject == (
        "[Neurocage] Rack B: 38 of 40 silent since 06:57 · Room 2"
    )
    make_concern(cage, Kind.UNSEEN, raised="07:09", lasted=12)
    make_notices(RAISED + 20 * MINUTE)
    assert told() == [Why.RAISED]


def test_the_recovery_of_a_place_is_one_message(vera, cage):
    place = {"rack": cage.rack, "subject": f"rack:{cage.rack_id}"}
    silent = make_concern(kind=Kind.PLACE_SILENT, lasted=3, **place)
    unseen = make_concern(cage, Kind.UNSEEN, raised="07:09", lasted=12)
    make_notices(RAISED + 12 * MINUTE)
    end(unseen, at("07:14"))
    make_notices(at("07:14"))
    end(silent, at("07:15"))
    make_notices(at("07:15"))
    make_notices(at("07:16"))
    assert told() == [Why.RAISED, Why.OVER]


def test_a_person_is_not_told_of_cages_they_may_not_see(cage):
    stranger = make_user("stranger", email="s@example.org")
    Wish.objects.create(person=stranger, kinds=list(Kind), by_mail=True)
    make_concern(cage)
    assert make_notices(RAISED + 3 * MINUTE) == 0


def test_a_person_is_told_of_the_rooms_that_they_chose(cage):
    make_wish(rooms=[make_cage("other", room="Room 3").room])
    make_concern(cage)
    assert make_notices(RAISED + 3 * MINUTE) == 0


def test_a_person_is_told_of_the_kinds_that_they_chose(cage):
    make_wish(kinds=[Kind.UNSEEN])
    make_concern(cage)
    assert make_notices(RAISED + 3 * MINUTE) == 0


def test_mail_waits_for_the_end_of_quiet_hours(cage):
    make_wish(quiet_from=time(6), quiet_until=time(9))
    make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    assert Delivery.objects.get().due_at == at("09:00")


def test_one_reminder_waits_for_the_end_of_quiet_hours(vera, cage):
    make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    Delivery.objects.update(sent_at=RAISED + 3 * MINUTE)
    Wish.objects.update(quiet_from=time(7, 30), quiet_until=time(14))
    for minute in range(4, 7 * 60, 10):
        make_notices(RAISED + minute * MINUTE)
    (waiting,) = Delivery.objects.waiting()
    assert (waiting.notice.why, waiting.due_at) == (Why.REMINDER, at("14:00"))


def test_in_quiet_hours_the_first_message_that_waits_is_its_own_reminder(cage):
    make_wish(quiet_from=time(6), quiet_until=time(14))
    make_concern(cage)
    for minute in range(3, 6 * 60, 10):
        make_notices(RAISED + minute * MINUTE)
    assert Delivery.objects.get().notice.why == Why.RAISED


def test_quiet_hours_may_go_over_midnight(cage):
    make_wish(quiet_from=time(22), quiet_until=time(8))
    make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    assert Delivery.objects.get().due_at == at("08:00")


def test_who_is_on_duty_is_woken_for_the_health_of_animals(cage):
    on_duty(make_wish(quiet_from=time(6), quiet_until=time(9)))
    make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    assert Delivery.objects.get().due_at == RAISED + 3 * MINUTE


def test_who_is_on_duty_is_not_woken_for_a_sensor(cage):
    on_duty(make_wish(quiet_from=time(6), quiet_until=time(9)))
    make_concern(cage, Kind.SENSOR_WEAK)
    make_notices(RAISED + 3 * MINUTE)
    assert Delivery.objects.get().due_at == at("09:00")


def test_what_nobody_acknowledges_goes_to_the_next_on_duty(cage):
    first, second = make_wish("first", kinds=()), make_wish("second", kinds=())
    on_duty(second, 2)
    on_duty(first, 1)
    make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    make_notices(RAISED + 17 * MINUTE)
    assert (told(first), told(second)) == ([Why.RAISED], [])
    make_notices(RAISED + 18 * MINUTE)
    assert (told(first), told(second)) == ([Why.RAISED], [Why.ESCALATED])


def test_what_is_acknowledged_goes_to_nobody_else(cage):
    first, second = make_wish("first", kinds=()), make_wish("second", kinds=())
    on_duty(first, 1)
    on_duty(second, 2)
    concern = make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    desk.acknowledge(concern.pk, first, Reason.ON_MY_WAY, "", RAISED + 5 * MINUTE)
    make_notices(RAISED + 40 * MINUTE)
    assert (told(first), told(second)) == ([Why.RAISED], [])


def test_what_was_found_goes_to_nobody_else_until_its_recheck_has_lapsed(cage):
    first, second = make_wish("first", kinds=()), make_wish("second", kinds=())
    on_duty(first, 1)
    on_duty(second, 2)
    concern = make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    due = RAISED + 2 * HOUR
    desk.find(concern.pk, first, "sick", "", RAISED + 8 * MINUTE, recheck_at=due)
    make_notices(RAISED + HOUR)
    for minute in range(16):
        make_notices(due + minute * MINUTE)
    assert (told(first), told(second)) == ([Why.RAISED, Why.RECHECK], [Why.ESCALATED])
    assert "Recheck not done: B-07" in Notice.objects.latest("pk").subject
    make_notices(due + 16 * MINUTE)
    assert told(second) == [Why.ESCALATED]


def test_when_an_acknowledgement_has_ended_each_on_duty_has_their_time_again(cage):
    people = [make_wish(name, kinds=()) for name in ("first", "second", "third")]
    for place, person in enumerate(people, 1):
        on_duty(person, place)
    concern = make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    desk.acknowledge(concern.pk, people[0], Reason.ON_MY_WAY, "", RAISED + 5 * MINUTE)
    ended = RAISED + 5 * MINUTE + desk.ACKNOWLEDGED_FOR
    desk.tidy(ended)
    found = []
    for minutes in (0, 14, 15, 29, 30):
        make_notices(ended + minutes * MINUTE)
        found.append([len(told(person)) for person in people])
    # The first one is reminded.
    assert found == [[2, 0, 0], [2, 0, 0], [2, 1, 0], [2, 1, 0], [2, 1, 1]]
    subjects = Notice.objects.filter(why=Why.ESCALATED).values_list("subject", flat=True)
    assert all("The acknowledgement has ended: B-07" in subject for subject in subjects)


def test_what_is_there_again_goes_to_the_next_in_its_turn(cage):
    second = make_wish("second", kinds=())
    on_duty(make_wish("first", kinds=()), 1)
    on_duty(second, 2)
    concern = make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    desk.find(concern.pk, second, "sick", "", at("07:05"), recheck_at=RAISED + 24 * HOUR)
    end(concern, at("07:10"))
    make_notices(at("07:10"))
    end(concern, None)
    desk.note(concern, Act.AGAIN, at("09:00"))
    make_notices(at("09:00"))
    make_notices(at("09:14"))
    assert told(second) == []
    make_notices(at("09:15"))
    assert told(second) == [Why.ESCALATED]


def ask(concern, moment):
    """What the judge notes when nothing was read for long."""
    concern.facts = {**concern.facts, "by_eye": True}
    concern.save()
    desk.note(concern, Act.BY_EYE, moment)


def test_who_is_on_duty_is_asked_to_look_by_eye_and_is_woken_for_it(cage):
    vet = make_wish(kinds=(), quiet_from=time(6), quiet_until=time(9))
    on_duty(vet)
    concern = make_concern(cage, Kind.UNSEEN, lasted=12)
    make_notices(at("07:47"))
    ask(concern, at("07:48"))
    make_notices(at("07:48"))
    make_notices(at("07:49"))
    (notice,) = Notice.objects.all()
    assert (notice.recipient, notice.why) == (vet, Why.BY_EYE)
    assert notice.subject == (
        "[Neurocage] To be checked by eye: B-07 unseen for at least 1 h · Room 2"
    )
    assert "Look at the animals by eye." in notice.text
    assert Delivery.objects.get().due_at == at("07:48")
    Concern.objects.update(over_slot=at("08:00"), closed_at=at("08:00"))
    make_notices(at("08:00"))
    assert told() == [Why.BY_EYE, Why.OVER]


def test_who_wishes_to_know_of_unseen_cages_is_asked_to_look_too(cage):
    make_wish(kinds=[Kind.UNSEEN])
    ask(make_concern(cage, Kind.UNSEEN, lasted=12), at("07:48"))
    make_notices(at("07:48"))
    assert told() == [Why.BY_EYE]


def test_a_look_by_eye_is_asked_for_although_somebody_mends_the_sensor(cage):
    first, second = make_wish("first", kinds=()), make_wish("second", kinds=())
    on_duty(first, 1)
    on_duty(second, 2)
    concern = make_concern(cage, Kind.UNSEEN, lasted=12)
    desk.acknowledge(concern.pk, second, Reason.SENSOR, "", at("07:10"))
    concern.refresh_from_db()
    ask(concern, at("07:48"))
    for minute in range(60):
        make_notices(at("07:48") + minute * MINUTE)
    assert (told(first), told(second)) == ([Why.BY_EYE], [])


def test_a_look_by_eye_that_nobody_takes_goes_to_the_next_on_duty(cage):
    first, second = make_wish("first", kinds=()), make_wish("second", kinds=())
    on_duty(first, 1)
    on_duty(second, 2)
    ask(make_concern(cage, Kind.UNSEEN, lasted=12), at("07:48"))
    make_notices(at("07:48"))
    make_notices(at("08:02"))
    assert (told(first), told(second)) == ([Why.BY_EYE], [])
    make_notices(at("08:03"))
    assert (told(first), told(second)) == ([Why.BY_EYE], [Why.ESCALATED])


def test_a_silent_place_asks_to_look_by_eye_and_not_its_cages(cage):
    vet = make_wish(kinds=())
    on_duty(vet)
    place = {"rack": cage.rack, "subject": f"rack:{cage.rack_id}"}
    silent = make_concern(kind=Kind.PLACE_SILENT, lasted=3, **place)
    unseen = make_concern(cage, Kind.UNSEEN, raised="07:09", lasted=12)
    make_notices(RAISED + 3 * MINUTE)
    make_notices(RAISED + 33 * MINUTE)
    ask(silent, at("07:57"))
    ask(unseen, at("07:57"))
    make_notices(at("07:57"))
    make_notices(at("07:58"))
    assert told() == [Why.RAISED, Why.REMINDER, Why.BY_EYE]
    # The place answers again, and this cage still does not.
    Concern.objects.filter(pk=silent.pk).update(over_slot=at("08:30"), closed_at=at("08:30"))
    make_notices(at("08:30"))
    assert sorted(told()[3:]) == [Why.BY_EYE, Why.OVER]


def test_reminders_come_at_growing_pauses(vera, cage):
    make_concern(cage)
    begun = RAISED + 3 * MINUTE
    moments = [minute for minute in range(0, 24 * 60, 10) if make_notices(begun + minute * MINUTE)]
    assert moments == [0, 30, 90, 210, 450, 690, 930, 1170, 1410]


def test_after_a_pause_of_neurocage_only_one_reminder_comes(vera, cage):
    make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    make_notices(RAISED + 10 * HOUR)
    make_notices(RAISED + 10 * HOUR + MINUTE)
    assert told() == [Why.RAISED, Why.REMINDER]


def test_recovery_is_one_message_to_those_who_got_the_first(vera, cage):
    concern = make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    make_wish("late", kinds=())
    end(concern, at("07:10"))
    make_notices(at("07:10"))
    make_notices(at("07:11"))
    assert told() == [Why.RAISED, Why.OVER]
    assert told(vera) == [Why.RAISED, Why.OVER]


def test_what_is_over_within_three_minutes_is_not_told(vera, cage):
    concern = make_concern(cage, Kind.UNSEEN, over_slot=at("07:02"))
    desk.close_by_itself([concern], Ending.BY_ITSELF, at("07:02"))
    assert make_notices(RAISED + 3 * MINUTE) == 0


def test_a_health_concern_that_is_over_already_is_told_as_such(vera, cage):
    make_concern(cage, over_slot=at("07:20"), raised_at=at("07:30"), since=at("06:30"))
    for minute in (33, 34, 63):
        make_notices(RAISED + minute * MINUTE)
    assert told() == [Why.RAISED, Why.REMINDER]
    notice = Notice.objects.first()
    assert notice.subject == (
        "[Neurocage] B-07 was Bad for at least 50 min "
        "(when it was raised: 26 of 27 known); over now, finding due · Room 2"
    )
    assert "A person still has to say what was found." in notice.text


def test_while_it_is_held_a_message_says_only_what_is_known(vera, cage):
    make_concern(cage, is_since_known=True)
    bad_for_days(cage, slot("06:53"))
    make_notices(RAISED + 3 * MINUTE)
    Concern.objects.update(held_since=at("07:05"))
    make_notices(at("12:00"))
    assert Notice.objects.latest("pk").subject == (
        "[Neurocage] Reminder: B-07 Bad for at least 23 min (when it was raised: 26 of 27 known); "
        "unseen since 2026-03-02 07:05, not known whether it lasts · Room 2"
    )


@pytest.mark.parametrize(
    ("ending", "why", "words"),
    [
        (Ending.WITHDRAWN, Why.WITHDRAWN, ("Withdrawn: B-07", "show that it was not so")),
        (Ending.NOT_WATCHED, Why.NOT_WATCHED, ("Not watched any more: B-07", "not known")),
    ],
)
def test_what_ends_otherwise_is_not_told_as_over(vera, cage, ending, why, words):
    concern = make_concern(cage, Kind.UNSEEN, lasted=12)
    make_notices(RAISED + 3 * MINUTE)
    concern.over_slot = at("07:20")
    desk.close_by_itself([concern], ending, at("07:20"))
    make_notices(at("07:20"))
    make_notices(at("07:21"))
    assert told() == [Why.RAISED, why]
    notice = Notice.objects.latest("pk")
    assert words[0] in notice.subject
    assert words[1] in notice.text


def test_what_is_there_again_is_told_again(vera, cage):
    concern = make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    end(concern, at("07:10"))
    make_notices(at("07:10"))
    end(concern, None)
    desk.note(concern, Act.AGAIN, at("07:20"))
    make_notices(at("07:20"))
    assert told() == [Why.RAISED, Why.OVER, Why.RAISED]


def test_a_recheck_that_was_not_done_is_told_once(vera, cage):
    concern = make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    due = at("08:00")
    desk.find(concern.pk, vera, "sick", "", at("07:05"), recheck_at=due)
    make_notices(due - MINUTE)
    make_notices(due)
    make_notices(due + MINUTE)
    assert told() == [Why.RAISED, Why.RECHECK]


def test_a_message_is_in_the_language_of_the_person(cage):
    make_wish(language="de")
    make_concern(cage, lasted=31, is_since_known=True)
    make_notices(RAISED + 3 * MINUTE)
    assert "Fast alle bekannten Messwerte" in Notice.objects.get().text


def test_a_failing_channel_is_told_by_another_way(db):
    chat = Channel.objects.create(name="chat", address="json://x.example/", made_at=RAISED)
    make_wish(by_mail=True, channel=chat)
    make_concern(kind=Kind.NEUROCAGE, subject=f"channel:{chat.pk}")
    make_notices(RAISED + 3 * MINUTE)
    assert [delivery.channel for delivery in Delivery.objects.all()] == [None]


def test_a_message_about_what_is_over_is_once_in_the_trail(vera, cage):
    concern = make_concern(cage, over_slot=RAISED + MINUTE)
    make_notices(RAISED + 5 * MINUTE)
    (delivery,) = sending.claim(RAISED + 5 * MINUTE)
    sending.note_result(delivery.pk, None, RAISED + 5 * MINUTE)
    assert concern.trail.filter(act=Act.TOLD).count() == 1


def test_while_the_end_of_an_acknowledgement_is_not_noted_nobody_else_is_told(cage):
    anna, ben = make_wish("anna", kinds=()), make_wish("ben", kinds=())
    on_duty(anna)
    on_duty(ben, 2)
    concern = make_concern(cage)
    make_notices(RAISED + 3 * MINUTE)
    until = desk.acknowledge(
        concern.pk, anna, Reason.ON_MY_WAY, "", RAISED + 4 * MINUTE
    ).acknowledged_until
    make_notices(until + MINUTE)
    assert told(ben) == []
    desk.tidy(until + MINUTE)
    make_notices(until + MINUTE + 20 * MINUTE)
    assert Why.ESCALATED in [Why(one.why) for one in Notice.objects.filter(recipient=ben)]


def test_recovery_reaches_whom_only_a_reminder_had_reached(cage):
    anna = make_wish("anna", kinds=())
    asleep = {"wakes_on_duty": False, "quiet_from": time(0), "quiet_until": time(10)}
    ben = make_wish("ben", kinds=(), **asleep)
    on_duty(anna)
    on_duty(ben, 2)
    facts = {"silent": 5, "cages": 5, "by_eye": False}
    place = {"kind": Kind.PLACE_SILENT, "subject": f"room:{cage.room_id}", "room": cage.room}
    concern = make_concern(None, facts=facts, **place)
    for minute in range(3, 400, 3):
        now = RAISED + minute * MINUTE
        if minute == 60:
            desk.acknowledge(concern.pk, anna, Reason.SENSOR, "", now)
        if minute == 330:
            concern.refresh_from_db()
            concern.over_slot = now
            desk.close_by_itself([concern], Ending.BY_ITSELF, now)
        desk.tidy(now)
        make_notices(now)
        for delivery in sending.claim(now):
            sending.note_result(delivery.pk, None, now)
    sent = Notice.objects.filter(recipient=ben, deliveries__sent_at__isnull=False)
    assert [one.why for one in sent.order_by("pk")] == [Why.REMINDER, Why.OVER]
