"""The circadian files of the export page: one zip, each cage's files, gaps and refusals."""

import io
import zipfile
from datetime import date

import pytest
from django.urls import reverse

from cages.exporting.circadian import FORMATS
from cages.history.window import DAY
from cages.models import Health
from cages.models.light import Regime
from cages.views.history.exporting import CLOCKS, PROGRAMS
from tests.factories import (
    at,
    give_light,
    make_cage,
    make_schedule,
    make_user,
    record_minutes,
    slot,
)

NOW = at("07:00")
SPRING = date(2025, 3, 30)
pytestmark = pytest.mark.usefixtures("clock")


def files_of(browser, **query):
    query = {"from": "2026-03-02", "to": "2026-03-02", "which": "all", **query}
    response = browser.get(reverse("cage-export-circadian"), query)
    assert response["Content-Disposition"].endswith('.zip"')
    content = b"".join(response.streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_each_cage_has_its_file_and_one_without_minutes_says_why(browser, user):
    known, empty = make_cage("Colony", user), make_cage("Empty", user)
    make_cage("Theirs", make_user("other"))
    record_minutes(known, slot("06:00"), [Health.BAD, Health.PERFECT, None])
    files = files_of(browser, program="table", bin="1", health=["bad", "ok"])
    assert sorted(files) == [
        f"{known.pk}_Colony_2026-03-02_UTC+0100.csv",
        f"{empty.pk}_refused.txt",
    ]
    lines = files[f"{known.pk}_Colony_2026-03-02_UTC+0100.csv"].splitlines()
    assert lines[361:364] == [
        "2026-03-02 06:00:00,100",
        "2026-03-02 06:01:00,0",
        "2026-03-02 06:02:00,",
    ]
    assert "No bin of this window is known." in files[f"{empty.pk}_refused.txt"]


def test_bins_begin_at_full_ones_where_a_cage_was_created_within(browser, user):
    cage = make_cage("Colony", user, created_at=at("06:03"))
    record_minutes(cage, slot("06:03"), [Health.PERFECT] * 20)
    (text,) = files_of(browser, program="table", bin="10").values()
    assert text.splitlines()[1:3] == ["2026-03-02 06:10:00,100", "2026-03-02 06:20:00,"]


def test_files_on_zeitgeber_time_begin_their_days_at_lights_on(browser, user):
    cage = make_cage("Colony", user, room="R1", created_at=at("00:00"))
    give_light(cage.room, make_schedule(on="05:30", off="17:30"), at("00:00") - DAY)
    record_minutes(cage, slot("05:30"), [Health.BAD] + [Health.PERFECT] * 9)
    files = files_of(browser, program="table", clock="zt")
    (text,) = files.values()
    assert list(files) == [f"{cage.pk}_Colony_2026-03-01_ZT.csv"]
    assert "2026-03-02 00:00:00,90" in text.splitlines()


@pytest.mark.parametrize("why", ["unknown", "constant", "set clock", "changed"])
def test_a_cage_without_one_zeitgeber_time_is_refused_with_the_reason(browser, user, why):
    first = SPRING - DAY if why == "set clock" else NOW.date() - DAY
    cage = make_cage("Colony", user, room="R1", created_at=at("00:00", first))
    if why == "constant":
        give_light(cage.room, make_schedule("DD", on=None, regime=Regime.DARK), at("00:00", first))
    elif why != "unknown":
        give_light(cage.room, make_schedule(), at("00:00", first) - DAY)
    if why == "changed":
        give_light(cage.room, make_schedule("Late", on="09:00"), at("00:00", first + DAY))
    days = {"from": str(first), "to": str(first + DAY)}
    (text,) = files_of(browser, program="table", clock="zt", **days).values()
    told = "moves within this window" if why in ("set clock", "changed") else "no zeitgeber time"
    assert told in text
    # Standard time holds all year, but nothing was known here.
    (text,) = files_of(browser, program="table", **days).values()
    assert "No bin of this window is known." in text


def test_every_format_is_offered_and_says_how_it_tells_a_gap(browser, user):
    make_cage("Colony", user)
    page = browser.get(reverse("cage-export")).content.decode()
    assert list(PROGRAMS) == list(FORMATS)
    assert all(f'<option value="{name}">' in page for name in (*FORMATS, *CLOCKS))
