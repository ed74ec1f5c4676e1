"""Neurocage itself and its sensors are judged; the dead-man address is called."""

import http.server
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from cages.models import Backup, Outcome
from tests.factories import MINUTE, make_cage, make_cycle, slot, write_polls
from tests.welfare.judging import SECONDS, O, open_concerns, set_rule
from welfare import parts, tasks
from welfare.models import Concern, Ending, Kind
from welfare.notices import heartbeat
from welfare.rules import place_silent, sensor_weak
from welfare.rules.parameters import PlaceSilent, SensorWeak
from welfare.rules.sensor_weak import Requests

FIRST = slot("07:00")
RULE = SensorWeak()


@pytest.fixture
def address(settings):
    """A real HTTP server; set `server.status`, read `server.paths`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.paths.append(self.path)
            self.send_response(self.server.status)
            if self.server.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.paths = 200, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.HEARTBEAT_URL = f"http://127.0.0.1:{server.server_port}/ping?a=1"
    yield server
    server.shutdown()
    thread.join(30)
    server.server_close()


def test_minutes_that_are_not_started_make_a_concern_until_they_are(db):
    make_cycle(FIRST, planned=5)
    parts.check_itself(FIRST + MINUTE)
    assert open_concerns() == []
    parts.check_itself(FIRST + 2 * MINUTE)
    (concern,) = open_concerns(Kind.NEUROCAGE)
    assert (concern.subject, concern.since) == ("not_started", FIRST + MINUTE)
    make_cycle(FIRST + 3 * MINUTE, planned=5)
    parts.check_itself(FIRST + 4 * MINUTE)
    concern.refresh_from_db()
    assert concern.ending == Ending.BY_ITSELF


def test_neurocage_that_was_just_started_is_not_said_to_stand_still(db):
    make_cycle(FIRST, planned=1)
    for looked_for in (timedelta(0), timedelta(minutes=1)):
        parts.check_itself(FIRST + 10 * MINUTE, looked_for)
    assert open_concerns() == []
    parts.check_itself(FIRST + 10 * MINUTE, timedelta(minutes=2))
    assert [one.subject for one in open_concerns()] == ["not_started"]


def test_minutes_that_do_not_finish_make_a_concern(db):
    make_cycle(FIRST, planned=5)
    for number in (1, 2, 3):
        make_cycle(FIRST + number * MINUTE, planned=5, finished=False)
    parts.check_itself(FIRST + 3 * MINUTE + SECONDS)
    assert [one.subject for one in open_concerns()] == ["not_finished"]


def test_a_cycle_that_was_not_asked_in_time_is_told_as_behind(db):
    make_cycle(FIRST, planned=5, answered=1, skipped=4)
    parts.check_itself(FIRST + MINUTE)
    (concern,) = open_concerns()
    assert concern.subject == "behind"
    assert concern.facts == {"skipped": 4, "planned": 5}


def test_a_backup_that_is_overdue_makes_a_concern_until_there_is_one(db, settings):
    Backup.objects.create(taken_at=FIRST, finished_at=FIRST, size_bytes=1)
    parts.check_itself(FIRST + 27 * 60 * MINUTE)
    assert "backup" not in {one.subject for one in open_concerns()}
    settings.BACKUP_MAX_AGE_HOURS = 26
    parts.check_itself(FIRST + 27 * 60 * MINUTE)
    (concern,) = [one for one in open_concerns() if one.subject == "backup"]
    assert concern.since == FIRST + 26 * 60 * MINUTE
    later = FIRST + 28 * 60 * MINUTE
    Backup.objects.create(taken_at=later, finished_at=later, size_bytes=1)
    parts.check_itself(later + MINUTE)
    concern.refresh_from_db()
    assert concern.ending == Ending.BY_ITSELF


def test_checking_again_raises_nothing_new(db):
    make_cycle(FIRST, planned=5)
    for number in range(2, 6):
        parts.check_itself(FIRST + number * MINUTE)
    assert Concern.objects.count() == 1


def test_the_address_is_called_after_a_full_cycle(db, address):
    first = timezone.now().replace(second=0, microsecond=0)
    make_cycle(first, planned=5)
    tasks.call_heartbeat(int(first.timestamp()))
    assert address.paths == ["/ping?a=1"]


def test_a_cycle_in_which_nobody_was_asked_is_no_sign_of_life(db, address):
    make_cycle(FIRST, planned=5, answered=0, skipped=5)
    tasks.call_heartbeat(int(FIRST.timestamp()))
    assert address.paths == []


def test_a_redirect_is_not_followed(address):
    address.status = 302
    with pytest.raises(heartbeat.HeartbeatError, match="302"):
        heartbeat.call(f"http://127.0.0.1:{address.server_port}/")
    assert address.paths == ["/"]


def test_an_address_that_fails_is_logged_once_and_makes_a_concern(db, address, settings, caplog):
    address.status = 500
    heartbeat.beat(settings.HEARTBEAT_URL)
    heartbeat.beat(settings.HEARTBEAT_URL)
    assert len(caplog.records) == 1
    make_cycle(FIRST, planned=5)
    parts.check_itself(FIRST + MINUTE)
    assert [one.subject for one in open_concerns()] == ["heartbeat"]
    address.status = 200
    heartbeat.beat(settings.HEARTBEAT_URL)
    parts.check_itself(FIRST + MINUTE)
    assert open_concerns() == []


def test_a_sensor_is_weak_below_its_own_band():
    usual = Requests(7500, 10_000, 2000.0)
    assert sensor_weak.verdict(Requests(950, 1440, 2000.0), usual, RULE) is True
    assert sensor_weak.verdict(Requests(1075, 1440, 2000.0), usual, RULE) is False
    # Between the two it stays as it was.
    assert sensor_weak.verdict(Requests(1040, 1440, 2000.0), usual, RULE) is None


def test_what_chance_gives_a_healthy_sensor_now_and_then_is_not_weak():
    # 3.6 deviations: with 500 sensors and a judgement each hour that comes about every day.
    usual = Requests(7500, 10_000, 2000.0)
    assert sensor_weak.verdict(Requests(1019, 1440, 2000.0), usual, RULE) is None


def test_an_uncertain_usual_share_widens_the_band_of_a_sensor():
    now = Requests(990, 1440, 2000.0)
    assert sensor_weak.verdict(now, Requests(7500, 10_000, 2000.0), RULE) is True
    assert sensor_weak.verdict(now, Requests(750, 1000, 2000.0), RULE) is None


def test_a_sensor_is_weak_if_it_takes_twice_as_long():
    usual = Requests(7500, 10_000, 2000.0)
    assert sensor_weak.verdict(Requests(1080, 1440, 4001.0), usual, RULE) is True


def test_too_few_requests_say_nothing_of_a_sensor():
    usual = Requests(7500, 10_000, 2000.0)
    assert sensor_weak.verdict(Requests(0, 59, None), usual, RULE) is None


def test_a_sensor_that_never_failed_may_fail_a_few_times():
    assert sensor_weak.verdict(Requests(1430, 1440, 1.0), Requests(9000, 9000, 1.0), RULE) is False


@pytest.mark.storage
def test_a_weak_sensor_makes_a_concern_from_the_roll_ups(db):
    set_rule(Kind.SENSOR_WEAK, FIRST - 10 * 24 * 60 * MINUTE, hours=2, usual_days=2)
    weak, well = make_cage(), make_cage()
    days, end = 3 * 24 * 60, FIRST
    for cage, answers in ((weak, 30), (well, 120)):
        write_polls(
            cage,
            [
                (end - n * MINUTE, O if n > 120 or n <= answers else Outcome.UNAVAILABLE, 1500)
                for n in range(1, days)
            ],
        )
    parts.judge_sensors(end + 5 * MINUTE)
    (concern,) = open_concerns()
    assert (concern.kind, concern.cage) == (Kind.SENSOR_WEAK, weak)
    assert (concern.facts["answered"], concern.facts["requests"]) == (30, 120)


def test_the_tail_of_a_draw_is_exact():
    # Of 10 things 4 are marked; 5 are drawn. At least 3 marked: (4*15 + 1*6) / 252.
    assert place_silent.tail_of_draw(3, 5, 4, 10) == pytest.approx(66 / 252)


def test_sensors_that_were_silent_long_before_are_no_new_silence():
    asked = {(1, 1, 500): 8, (1, 1, 0): 32, (1, 2, 0): 40}
    places = place_silent.places_of(asked, 3)
    assert place_silent.silent_places(places, PlaceSilent(), 0.75) == []


def test_chance_is_no_silent_place():
    asked = {(1, 1, 3): 2, (1, 1, 0): 38, (1, 2, 3): 1, (1, 2, 0): 39}
    places = place_silent.places_of(asked, 3)
    assert place_silent.silent_places(places, PlaceSilent(), 0.75) == []


def test_a_place_of_which_nobody_answers_is_told_of_after_one_minute():
    asked = {(1, 1, 1): 14, (1, 2, 0): 30, (1, 2, 1): 10}
    newest = place_silent.places_of(asked, 1)
    wholly = place_silent.wholly_silent(newest, PlaceSilent())
    found = place_silent.silent_at_once(wholly, newest, 0.75)
    assert [(one.subject, one.minutes) for one in found] == [("rack:1", 1)]


def test_a_place_that_is_too_small_for_one_minute_is_not_told_of_at_once():
    asked = {(1, 1, 1): 9, (1, 2, 0): 30, (1, 2, 1): 10}
    newest = place_silent.places_of(asked, 1)
    wholly = place_silent.wholly_silent(newest, PlaceSilent())
    assert [one.subject for one in wholly] == ["rack:1"]
    assert place_silent.silent_at_once(wholly, newest, 0.75) == []


def test_while_a_silence_spreads_no_part_of_it_is_told_of_at_once():
    asked = {(1, 1, 1): 14, (2, 2, 0): 10, (2, 2, 1): 30}
    newest = place_silent.places_of(asked, 1)
    wholly = place_silent.wholly_silent(newest, PlaceSilent())
    assert place_silent.silent_at_once(wholly, newest, 0.75) == []
