"""The pages of notices: who may what, what they show, and how many queries they take."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from prometheus_client import CollectorRegistry

from people.models import Role
from tests.factories import at, make_cage, make_member, make_user
from tests.pages import text_of
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.forms.duty import SHIFTS_AT_MOST
from welfare.metrics import add_deliveries
from welfare.models import (
    Channel,
    Concern,
    Delivery,
    DutyShift,
    Failure,
    Kind,
    Notice,
    NoticeSettings,
    Reason,
    Why,
    Wish,
)
from welfare.notices import drill
from welfare.notices.grouping import make_notices

NOW = at("07:10")
SECRET = "t0ps3cret"  # noqa: S105
ADDRESS = f"json://user:{SECRET}@chat.example.org/{SECRET}"
PAGES = ("notice-list", "notice-wish", "notice-duty", "notice-channels", "notice-drill")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def signed_in(person):
    browser = Client()
    browser.force_login(person)
    return browser


@pytest.fixture
def admin(db):
    return signed_in(make_user("admin", is_superuser=True, email="admin@example.org"))


@pytest.fixture
def mia(db):
    return make_user("mia")


def make_notice(person, subject="B-07 Bad for 34 min", **fields):
    fields = {"why": Why.RAISED, "text": "Look.", "made_at": NOW, **fields}
    return Notice.objects.create(recipient=person, subject=subject, **fields)


def make_channel(**fields):
    return Channel.objects.create(**{"name": "chat", "address": ADDRESS, "made_at": NOW, **fields})


@pytest.mark.parametrize(
    ("name", "person", "status"),
    [
        *((name, None, 302) for name in PAGES),
        *((name, "mia", 200) for name in PAGES[:3]),
        *((name, "mia", 403) for name in PAGES[3:]),
        *((name, "staff", 403) for name in PAGES[3:]),
        *((name, "admin", 200) for name in PAGES),
    ],
)
def test_who_may_open_which_page(name, person, status):
    flags = {"admin": {"is_superuser": True}, "staff": {"is_staff": True}}
    browser = signed_in(make_user(person, **flags.get(person, {}))) if person else Client()
    assert browser.get(reverse(name)).status_code == status


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("notice-duty", {"act": "remove", "shift": "1"}),
        ("notice-channels", {"act": "make"}),
        ("notice-drill", {}),
    ],
)
def test_only_administrators_change_them(name, sent):
    browser = signed_in(make_user("staff", is_staff=True))
    assert browser.post(reverse(name), sent).status_code == 403


def test_a_person_finds_only_their_own_notices(mia):
    make_notice(mia)
    make_notice(make_user("vera"), "not for mia")
    page = signed_in(mia).get(reverse("notice-list"))
    assert "B-07 Bad for 34 min" in page.text
    assert "not for mia" not in page.text


def test_without_notices_the_page_says_so(mia):
    assert "You have no notices yet." in signed_in(mia).get(reverse("notice-list")).text


def test_marking_as_read_takes_those_that_the_page_showed(mia):
    shown = make_notice(mia)
    later = make_notice(mia)
    signed_in(mia).post(reverse("notice-list"), {"newest": shown.pk})
    shown.refresh_from_db()
    later.refresh_from_db()
    assert (shown.read_at, later.read_at) == (NOW, None)


def test_the_number_of_queries_does_not_grow_with_notices(mia):
    browser = signed_in(mia)

    def queries():
        with CaptureQueriesContext(connection) as found:
            browser.get(reverse("notice-list"))
        return len(found)

    channel = make_channel()
    Delivery.objects.create(notice=make_notice(mia), channel=channel, made_at=NOW, due_at=NOW)
    few = queries()
    for _ in range(10):
        Delivery.objects.create(notice=make_notice(mia), channel=channel, made_at=NOW, due_at=NOW)
    assert queries() == few


def test_a_wish_is_kept(admin):
    room = make_cage(room="Room 2").room
    sent = {"kinds": [Kind.BAD_LONG], "rooms": [room.pk], "by_mail": "on", "language": "de"}
    sent |= {"quiet_from": "22:00", "quiet_until": "06:00"}
    assert admin.post(reverse("notice-wish"), sent).status_code == 302
    wish = Wish.objects.get()
    assert (wish.kinds, list(wish.rooms.all()), wish.by_mail) == (["bad_long"], [room], True)
    assert (wish.quiet_from.hour, wish.quiet_until.hour, wish.language) == (22, 6, "de")


def test_mail_needs_an_address(mia):
    page = signed_in(mia).post(reverse("notice-wish"), {"by_mail": "on", "language": "en"})
    assert "An administrator can enter it." in page.text
    assert not Wish.objects.exists()


def test_quiet_hours_have_a_begin_and_an_end(mia):
    sent = {"quiet_from": "22:00", "language": "en"}
    assert "Enter both times" in signed_in(mia).post(reverse("notice-wish"), sent).text


def test_a_channel_is_made_and_its_secret_is_not_shown(admin):
    sent = {"act": "make", "name": "chat", "address": ADDRESS}
    page = admin.post(reverse("notice-channels"), sent, follow=True)
    assert Channel.objects.get().address == ADDRESS
    assert "json://chat.example.org/…" in page.text
    assert SECRET not in page.text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("syslog://localhost", "Use one of these kinds"),
        ("file:///etc/passwd", "Use one of these kinds"),
        ("json://169.254.169.254/", "This host is not allowed."),
        ("json://127.0.0.1/", "This host is not allowed."),
        ("json://[::ffff:127.0.0.1]/", "This host is not allowed."),
        ("json://10.0.0.1/", "This host is not allowed."),
        ("discord://x", "This address cannot be read."),
        ("json://a.example b.example/", "An address has no spaces."),
    ],
)
def test_an_address_that_could_never_be_sent_to_is_refused(admin, address, words):
    page = admin.post(reverse("notice-channels"), {"act": "make", "name": "x", "address": address})
    assert words in page.text
    assert not Channel.objects.exists()


def test_a_refused_form_does_not_show_the_secret_again(admin):
    sent = {"act": "make", "name": "", "address": ADDRESS}
    assert SECRET not in admin.post(reverse("notice-channels"), sent).text


def test_a_test_is_queued_and_not_sent_in_the_request(admin):
    channel = make_channel()
    admin.post(reverse("notice-channels"), {"act": "test", "channel": channel.pk})
    delivery = Delivery.objects.get()
    assert (delivery.channel, delivery.notice, delivery.begun_at) == (channel, None, None)


def test_a_channel_can_be_switched_off_and_removed(admin):
    channel = make_channel()
    admin.post(reverse("notice-channels"), {"act": "switch", "channel": channel.pk})
    channel.refresh_from_db()
    assert not channel.is_on
    admin.post(reverse("notice-channels"), {"act": "remove", "channel": channel.pk})
    assert not Channel.objects.exists()


def test_a_failure_is_on_the_operations_page(admin):
    channel = make_channel()
    fields = {"tries": 2, "failure": Failure.TIMEOUT, "failed_at": NOW}
    Delivery.objects.create(channel=channel, made_at=NOW, due_at=NOW, **fields)
    assert "chat: no answer in time" in admin.get(reverse("ops")).text


def test_an_administrator_puts_a_person_on_duty(admin, mia):
    sent = {"act": "add", "person": mia.pk, "place": "1"}
    sent |= {"starts_at": "2026-03-02T07:00", "ends_at": "2026-03-02T19:00"}
    assert admin.post(reverse("notice-duty"), sent).status_code == 302
    shift = DutyShift.objects.get()
    assert (shift.person, shift.starts_at, shift.ends_at) == (mia, at("07:00"), at("19:00"))


def test_a_shift_ends_after_it_begins(admin, mia):
    sent = {"act": "add", "person": mia.pk, "place": "1"}
    sent |= {"starts_at": "2026-03-02T07:00", "ends_at": "2026-03-02T07:00"}
    assert "It ends before it begins." in admin.post(reverse("notice-duty"), sent).text


def make_shifts(person, count, first):
    hours = [first + timedelta(hours=number) for number in range(count)]
    DutyShift.objects.bulk_create(
        DutyShift(person=person, starts_at=hour, ends_at=hour + timedelta(hours=1))
        for hour in hours
    )


def test_only_shifts_that_have_not_ended_count_towards_the_limit(admin, mia):
    sent = {"act": "add", "person": mia.pk, "place": "1"}
    hours = {"starts_at": "2026-03-02T07:00", "ends_at": "2026-03-02T19:00"}
    make_shifts(mia, SHIFTS_AT_MOST, NOW - timedelta(days=90))
    assert admin.post(reverse("notice-duty"), {**sent, **hours}).status_code == 302
    make_shifts(mia, SHIFTS_AT_MOST - 1, NOW)
    page = admin.post(reverse("notice-duty"), {**sent, **hours}).text
    assert "There can be 1000 shifts that have not ended. Remove some first." in page


def test_a_shift_that_has_ended_is_not_added(admin, mia):
    sent = {"act": "add", "person": mia.pk, "place": "1"}
    hours = {"starts_at": "2026-03-01T07:00", "ends_at": "2026-03-01T19:00"}
    assert "It has ended already." in admin.post(reverse("notice-duty"), {**sent, **hours}).text
    assert not DutyShift.objects.exists()


def test_every_shift_that_has_not_ended_is_on_a_page(admin, mia):
    make_shifts(mia, 60, NOW)
    first, second = (admin.get(reverse("notice-duty"), {"page": page}).text for page in "12")
    assert [page.count('name="shift"') for page in (first, second)] == [50, 10]
    assert "1–50 of 60 shifts that have not ended" in text_of(first)


def test_the_times_of_notices_can_be_set(admin):
    times = {"escalates_after_minutes": "20", "collects_for_minutes": "0"}
    admin.post(reverse("notice-duty"), {"act": "set", **times})
    row = NoticeSettings.objects.get()
    assert (row.escalates_after_minutes, row.collects_for_minutes) == (20, 0)


def test_a_drill_is_raised_and_its_times_are_shown(admin):
    admin.post(reverse("notice-drill"))
    concern = Concern.objects.get()
    assert (concern.is_drill, concern.is_open) == (True, True)
    Concern.objects.update(seen_at=NOW + timedelta(minutes=4))
    assert "07:14" in admin.get(reverse("notice-drill")).text


def test_a_second_drill_closes_the_first(admin):
    admin.post(reverse("notice-drill"))
    admin.post(reverse("notice-drill"))
    assert Concern.objects.open().count() == 1
    assert Concern.objects.count() == 2


def test_a_drill_tells_people_on_duty_and_is_marked(admin, mia):
    hours = {"starts_at": at("06:00"), "ends_at": at("19:00")}
    DutyShift.objects.create(person=mia, **hours)
    admin.post(reverse("notice-drill"))
    make_notices(NOW + timedelta(minutes=3))
    notice = Notice.objects.get()
    assert notice.subject.startswith("[Neurocage] [Drill] Drill: this is a test")
    assert (notice.recipient, notice.is_drill) == (mia, True)


def test_after_its_acknowledgement_nobody_is_told_of_a_drill(admin, mia):
    hours = {"starts_at": at("06:00"), "ends_at": at("19:00")}
    for place, person in enumerate((mia, make_user("vera")), 1):
        DutyShift.objects.create(person=person, place=place, **hours)
    admin.post(reverse("notice-drill"))
    make_notices(NOW + timedelta(minutes=3))
    desk.acknowledge(Concern.objects.get().pk, mia, Reason.LOOKED, "", NOW + timedelta(minutes=5))
    for minutes in (20, 60, 300):
        desk.tidy(NOW + timedelta(minutes=minutes))
        make_notices(NOW + timedelta(minutes=minutes))
    assert Notice.objects.count() == 1


def test_administrators_are_reminded_once_when_a_drill_is_due(admin, mia):
    make_concern(make_cage())
    make_notices(NOW)
    make_notice(mia)
    drill.remind(NOW)
    drill.remind(NOW + timedelta(days=1))
    assert Notice.objects.filter(why=Why.DRILL_DUE).count() == 1
    drill.remind(NOW + timedelta(days=30))
    assert Notice.objects.filter(why=Why.DRILL_DUE).count() == 2


def test_the_metrics_tell_what_came_of_deliveries(mia):
    channel = make_channel()
    kinds = (
        {"sent_at": NOW},
        {"ended_at": NOW, "failure": Failure.TIMEOUT},
        {"ended_at": NOW},
        {"failure": Failure.TIMEOUT},
        {},
        {"made_at": NOW - timedelta(hours=25), "sent_at": NOW},
    )
    for fields in kinds:
        fields = {"made_at": NOW, "due_at": NOW, **fields}
        Delivery.objects.create(channel=channel, **fields)
    registry = CollectorRegistry()
    add_deliveries(registry, NOW)
    results = ("sent", "given_up", "not_needed", "failing", "waiting")
    counts = [registry.get_sample_value("neurocage_deliveries", {"result": r}) for r in results]
    assert counts == [1, 1, 1, 1, 1]


def test_the_administrator_of_the_demo_is_told_of_everything_unless_they_chose(mia):
    call_command("load_demo_wish", "mia")
    wish = Wish.objects.get(person=mia)
    assert (set(wish.kinds), wish.by_mail, wish.person.email) == (set(Kind), True, "mia@localhost")
    Wish.objects.update(by_mail=False)
    call_command("load_demo_wish", "mia")
    assert not Wish.objects.get().by_mail


def test_the_desk_tells_how_many_notices_are_unread(mia):
    make_notice(mia, read_at=NOW)
    for _ in range(2):
        make_notice(mia)
    make_notice(make_user("vera"))
    assert "Notices 2 unread" in text_of(signed_in(mia).get(reverse("concern-list")))


@pytest.mark.parametrize(("role", "count"), [(Role.VET, 1), (Role.TECHNICIAN, 0)])
def test_the_desk_leads_to_the_rules_who_may_approve_them(mia, role, count):
    make_member(mia, make_user("vera").own_lab, role)
    page = signed_in(mia).get(reverse("concern-list")).text
    assert page.count(f'href="{reverse("rule-list")}"') == count
