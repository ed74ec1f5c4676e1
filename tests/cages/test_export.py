"""Exports: every minute of the window is there, known or not, and is what the database has."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow.parquet
import pytest
from django.db import connection
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from openpyxl import load_workbook

from cages.exporting import files, rows
from cages.exporting.columns import KINDS
from cages.exporting.dictionary import OTHER_FILES, RULES
from cages.exporting.sending import (
    PIECE_BYTES,
    SLOW_SECONDS,
    SLOWEST_BYTES_A_SECOND,
    ReceiverTooSlowError,
    Sending,
)
from cages.history.minutes import minutes_of
from cages.history.window import Window
from cages.models import Cage, Health, Outcome, Poll
from cages.polling.recorder import record
from neurocage.limits import EXPORTS, Place
from tests.factories import (
    MINUTE,
    at,
    make_cage,
    make_user,
    record_minutes,
    result,
    slot,
    write_polls,
)
from tests.pages import text_of

NOW = at("07:02:30")
pytestmark = pytest.mark.usefixtures("clock")
BERLIN = ZoneInfo("Europe/Berlin")
COLUMNS = (
    "cage_id,label,slot_utc,slot_local,utc_offset,status,status_label,outcome,http_status,"
    "latency_ms,watched,why_not_known,light_phase,zt_minutes,schedule_version,handling,group"
)
BEGIN = datetime(2026, 10, 24, 21, 30, tzinfo=UTC)
POLLS = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from([*Health, *Outcome]), st.integers(0, 11_000)),
    max_size=30,
    unique_by=lambda poll: poll[0],
)


def read(pieces):
    text = b"".join(pieces).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.storage
class ExportEqualsDatabase(TestCase):
    @settings(max_examples=25)
    @given(POLLS, POLLS, st.integers(0, 200), st.integers(1, 400))
    def test_for_any_minutes_around_a_change_of_the_clock(self, first, second, start, length):
        cages = [make_cage(), make_cage()]
        for cage, polls in zip(cages, (first, second), strict=True):
            write_polls(cage, [(BEGIN + minute * MINUTE, *ended) for minute, *ended in polls])
        window = Window(BEGIN + start * MINUTE, BEGIN + (start + length) * MINUTE)
        pairs = [(cage.pk, cage.label, cage.created_at) for cage in cages]
        found = read(files.as_csv(KINDS["readings"], rows.readings(pairs, window), BERLIN))
        assert len(found) == 2 * length
        self.compare(found, window, cages)
        asked = read(files.as_csv(KINDS["requests"], rows.requests(pairs, window), BERLIN))
        within = {"slot__gte": window.start, "slot__lt": window.end}
        assert len(asked) == Poll.objects.filter(**within).count()
        planned = [row for row in found if row["outcome"]]
        for name in ("cage_id", "slot_utc", "outcome", "http_status", "latency_ms"):
            assert [row[name] for row in asked] == [row[name] for row in planned]
        hours = read(files.as_csv(KINDS["hourly"], rows.hourly(pairs, window), BERLIN))
        assert sum(int(row["minutes"]) for row in hours) == 2 * length
        parts = ("perfect", "ok", "bad", "no_answer", "not_watched")
        assert all(sum(int(row[p]) for p in parts) == int(row["minutes"]) for row in hours)
        known = Poll.objects.filter(**within)
        assert sum(int(row["bad"]) for row in hours) == known.filter(status=Health.BAD).count()

    def compare(self, found, window, cages):
        minutes = minutes_of([cage.pk for cage in cages], window)
        number = {cage.pk: iter(minutes[cage.pk]) for cage in cages}
        polls = {(poll.cage_id, poll.slot): poll for poll in Poll.objects.all()}
        for row in found:
            moment = datetime.fromisoformat(row["slot_utc"])
            local = datetime.fromisoformat(row["slot_local"] + row["utc_offset"])
            assert local == moment
            assert local.utcoffset() == moment.astimezone(BERLIN).utcoffset()
            code = next(number[int(row["cage_id"])])
            assert row["status"] == (str(code) if code in (1, 2, 3) else "")
            assert row["watched"] == ("1" if code else "0")
            asked = polls.get((int(row["cage_id"]), moment))
            told = asked and (asked.outcome, asked.answer_status, asked.latency_ms)
            if told is None:
                assert (row["outcome"], row["http_status"], row["latency_ms"]) == ("", "", "")
            else:
                assert row["outcome"] == Outcome(told[0]).word
                assert row["http_status"] == ("" if told[1] is None else str(told[1]))
                assert row["latency_ms"] == ("" if told[2] is None else str(told[2]))


def test_the_columns_are_the_ones_promised():
    assert ",".join(column.name for column in KINDS["readings"]) == COLUMNS


def test_a_file_is_streamed_and_named(browser, user):
    cage = make_cage("Colony", user)
    record_minutes(cage, slot("06:00"), [Health.BAD, Outcome.TIMEOUT])
    address = reverse("cage-export-file")
    response = browser.get(address, {"cage": cage.pk, "from": "2026-03-01", "to": "2026-03-02"})
    assert response.streaming
    assert response["X-Accel-Buffering"] == "no"
    name = f"neurocage-cage-{cage.pk}-readings-2026-03-01-to-2026-03-02.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    found = read(response.streaming_content)
    assert len(found) == 1440 + 422
    Cage.objects.update(created_at=at("05:50:20"))
    later = read(browser.get(address, {"cage": cage.pk, "from": "2026-03-01"}).streaming_content)
    assert later == []
    later = read(browser.get(address, {"cage": cage.pk, "span": "7d"}).streaming_content)
    assert later[1:] == found[-71:]
    # It was created within this minute.
    assert later[0] == {**found[-72], "why_not_known": "before_cage"}
    bad = next(row for row in found if row["status"])
    assert list(bad.values()) == [
        *(str(cage.pk), "Colony", "2026-03-02T05:00:00Z", "2026-03-02T06:00:00", "+01:00"),
        *("1", "bad", "answered", "200", "1500", "1", "", "", "", "", "", ""),
    ]


def test_the_first_piece_needs_no_minute(db, django_assert_num_queries):
    window = Window(at("07:00") - timedelta(days=365), at("07:00"))
    pairs = [(make_cage().pk, "Colony", window.start)]
    pieces = files.as_csv(KINDS["readings"], rows.readings(pairs, window), BERLIN)
    with django_assert_num_queries(0):
        assert next(pieces).decode() == f"{COLUMNS}\r\n"
    # Stays, periods of light, stays and marks, housings, events; cycles and polls of the month.
    with django_assert_num_queries(8):
        assert len(next(pieces)) > 44_000 * 40
    # The next month of the same cage.
    with django_assert_num_queries(2):
        assert len(next(pieces)) > 44_000 * 40
    pieces.close()


def test_a_shard_recorded_while_the_export_reads_gives_no_half_minute(user):
    """Each month is read with one query, so a minute is there with all of its facts or not."""
    cage = make_cage("Colony", user)
    waiting = [result(cage, Health.BAD)]

    def record_afterwards(execute, sql, *args):
        found = execute(sql, *args)
        if waiting and '"cages_' in sql:
            record(slot("06:00"), [waiting.pop()], at("06:00:03"))
        return found

    window = Window(slot("06:00"), slot("06:01"))
    with connection.execute_wrapper(record_afterwards):
        (batch,) = rows.readings([(cage.pk, cage.label, cage.created_at)], window)
    assert not waiting
    _id, _label, _seconds, status, _word, outcome, *_rest = batch[0]
    assert (status is not None) == (outcome == "answered")


def test_parquet_has_what_csv_has(browser, user):
    cage = make_cage("=Colony", user)
    record_minutes(cage, slot("06:00"), [Health.BAD, Outcome.TIMEOUT, Health.PERFECT, None])
    query = {"cage": cage.pk, "from": "2026-03-02"}
    address = reverse("cage-export-file")
    for kind in KINDS:
        response = browser.get(address, {**query, "kind": kind, "format": "parquet"})
        content = b"".join(response.streaming_content)
        table = pyarrow.parquet.read_table(io.BytesIO(content)).to_pydict()
        text = read(browser.get(address, {**query, "kind": kind}).streaming_content)
        assert list(table) == list(text[0])
        assert len(text) == len(table["cage_id"]) > 0
        assert set(table["label"]) == {"=Colony"}
        for name in set(table) - {"label"}:
            told = [row[name] for row in text]
            kept = table[name]
            if name.endswith("_utc"):
                kept = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in kept]
            elif name.endswith("_local"):
                kept = [f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in kept]
            assert ["" if value is None else str(value) for value in kept] == told


@pytest.mark.parametrize("text", ["=1+1", "+/+ control", "-/-", "@het", "'+/+", "\t=1"])
def test_csv_has_each_text_as_it_was_entered(text):
    pieces = files.as_csv(KINDS["requests"], [[(1, text, 0, "timeout", None, 5, text)]], BERLIN)
    (row,) = read(pieces)
    assert (row["label"], row["detail"]) == (text, text)


def test_only_what_a_person_may_see_is_in_a_file(browser, user, client_of):
    mine, other = make_cage("Mine", user), make_cage("Other", make_user("other"))
    archived = make_cage("Archived", user, archived_at=at("05:00"))
    address = reverse("cage-export-file")

    def labels(**query):
        response = browser.get(address, {**query, "kind": "hourly", "from": "2026-03-02"})
        return {row["label"] for row in read(response.streaming_content)}

    assert labels() == labels(which="all") == {"Mine"}
    assert labels(cage=[mine.pk, other.pk, archived.pk]) == {"Mine", "Archived"}
    assert labels(cage=[other.pk]) == set()
    assert labels(q="nothing like it") == set()
    assert labels(which="archived") == {"Archived"}
    page = browser.get(reverse("cage-archived")).content.decode()
    assert 'name="which" value="archived"' in page
    assert f'name="cage" value="{archived.pk}"' in page


def test_days_that_make_no_sense_lead_back_to_the_form(browser, user):
    make_cage("Colony", user)
    query = {"which": "all", "from": "2026-03-05", "to": "2026-03-04", "kind": "hourly"}
    response = browser.get(reverse("cage-export-file"), query, follow=True)
    assert "The first day is after the last one." in text_of(response)
    assert 'value="hourly" selected' in response.content.decode()


def test_nothing_to_export_is_said(browser, user):
    page = browser.get(reverse("cage-export"), {"q": "no such label"})
    assert "None of these cages exists." in text_of(page)


def test_a_person_has_one_export_at_a_time(browser, user, client_of):
    make_cage(owner=user)
    address = reverse("cage-export-file")
    under_way = browser.get(address)
    assert under_way.streaming
    refused = browser.get(address, {"kind": "hourly"}, follow=True)
    assert refused.redirect_chain[0][0] == f"{reverse('cage-export')}?kind=hourly"
    assert "An export of yours is running, or 4 of other people." in text_of(refused)
    assert client_of(make_user()).get(address).streaming
    assert b"".join(under_way.streaming_content)
    assert browser.get(address).streaming


def test_the_place_of_a_receiver_who_goes_away_is_free_again():
    place = EXPORTS.take("gone")
    going = Sending(iter_of(b"one", b"two"), place)
    assert next(going) == b"one"
    assert EXPORTS.take("gone") is None
    going.close()
    going.close()
    assert EXPORTS.take("gone")


def test_a_receiver_that_takes_next_to_nothing_is_given_up():
    now = [0]
    sending = Sending(iter_of(b"x" * 10 * PIECE_BYTES), Place(), clock=lambda: now[0])
    for _ in range(SLOW_SECONDS // 20 + 1):
        assert len(next(sending)) == PIECE_BYTES
        now[0] += 20
    with pytest.raises(ReceiverTooSlowError):
        next(sending)


def test_a_slow_line_and_a_slow_database_are_waited_for():
    now = [0]

    def slow():
        for _ in range(5):
            now[0] += 600
            yield b"x" * 4 * PIECE_BYTES

    taken = b""
    for piece in Sending(slow(), Place(), clock=lambda: now[0]):
        taken += piece
        # Twice as fast as the slowest.
        now[0] += PIECE_BYTES / SLOWEST_BYTES_A_SECOND / 2
    assert len(taken) == 20 * PIECE_BYTES


def iter_of(*pieces):
    yield from pieces


def test_excel_gets_a_workbook_with_types(browser, user):
    labels = ["1E5", "=1+1", "0012", "a <b> & _x0041_"]
    for number, label in enumerate(labels):
        cage = make_cage(label, user, id=100_000 + number)
        record_minutes(cage, slot("06:00"), [Health.BAD, Outcome.TIMEOUT])
    query = {"which": "all", "from": "2026-03-02", "format": "excel"}
    response = browser.get(reverse("cage-export-file"), query)
    assert response["Content-Disposition"].endswith('.xlsx"')
    book = load_workbook(io.BytesIO(b"".join(response.streaming_content)))
    names, *found = book.active.values
    assert ",".join(names) == COLUMNS
    assert len(found) == len(labels) * 422
    row = dict(zip(names, found[360], strict=True))
    assert row == {
        "cage_id": 100_000,
        "label": "1E5",
        "slot_utc": datetime(2026, 3, 2, 5),
        "slot_local": datetime(2026, 3, 2, 6),
        "utc_offset": "+01:00",
        **{"status": 1, "status_label": "bad", "outcome": "answered"},
        **{"http_status": 200, "latency_ms": 1500, "watched": 1},
        **dict.fromkeys(COLUMNS.split(",")[-6:]),
    }
    assert [unescaped(found[number * 422][1]) for number in range(4)] == labels
    assert {cell.data_type for cell in book.active["B"]} <= {"s", "inlineStr"}
    assert book.active["C2"].is_date


def unescaped(text):
    return text.replace("_x005F_", "_")


@pytest.mark.parametrize("kind", list(KINDS))
def test_more_rows_than_a_sheet_has_are_refused_with_the_number(browser, user, kind, monkeypatch):
    make_cage("Colony", user)
    query = {"which": "all", "from": "2026-03-02", "format": "excel", "kind": kind}
    most = {"readings": 422, "requests": 422, "hourly": 8}[kind]
    monkeypatch.setattr("cages.views.history.exporting.LARGEST_SHEET", most - 1)
    page = browser.get(reverse("cage-export-file"), query, follow=True)
    words = f"up to {most} rows, and a sheet of Excel has {most - 1} at most"
    assert words in text_of(page)
    monkeypatch.setattr("cages.views.history.exporting.LARGEST_SHEET", most)
    assert browser.get(reverse("cage-export-file"), query).streaming


def test_without_its_package_parquet_is_said_to_be_missing(browser, user, monkeypatch):
    make_cage("Colony", user)
    monkeypatch.setattr("cages.exporting.parquet.find_spec", lambda name: None)
    query = {"which": "all", "format": "parquet"}
    page = browser.get(reverse("cage-export-file"), query, follow=True)
    assert "Parquet is not installed on this server. Choose CSV." in text_of(page)
    assert 'value="parquet" disabled' in page.content.decode()


def test_the_dictionary_explains_every_column_and_rule_in_both_languages(browser):
    content = browser.get(reverse("cage-export-dictionary")).content
    assert content.startswith(b"\xef\xbb\xbffile,")
    found = read([content.removeprefix(b"\xef\xbb\xbf")])
    names = [(row["file"], row["column"]) for row in found]
    assert names[len(RULES) :] == [
        (kind, column.name)
        for kind, columns in {**KINDS, **OTHER_FILES}.items()
        for column in columns
    ]
    assert all(row["meaning_en"] and row["meaning_de"] for row in found)
    assert all(row["meaning_en"] != row["meaning_de"] for row in found)
    assert {row["dictionary_version"] for row in found} == {"1"}
    page = text_of(browser.get(reverse("cage-export")))
    assert all(row["meaning_en"] in page for row in found if row["file"] not in OTHER_FILES)


def test_the_list_leads_to_the_export_of_what_it_lists(browser, user):
    make_cage("Colony", user)
    page = browser.get(reverse("cage-list"), {"q": "Col"}).content.decode()
    assert "/cages/export/?which=all&amp;q=Col" in page
    response = browser.get(reverse("cage-bulk"), {"act": "export", "which": "all", "q": "Col"})
    assert response.url == f"{reverse('cage-export')}?which=all&q=Col"
    assert "1 cage: Colony" in text_of(browser.get(response.url))
