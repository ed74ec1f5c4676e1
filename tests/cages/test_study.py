"""Study packages: what they hold, the same bytes again, and what changed where they differ."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.utils import translation
from rocrate.rocrate import ROCrate

from cages.exporting.study.checking import Differs, in_words, pieces_of
from cages.exporting.study.comparison import cage_rows, compared, tallies_of
from cages.exporting.study.order import Exclusion, StudyOrder
from cages.history.window import Window
from cages.models import Cage, Health, Outcome, Study
from people.models import Change
from people.noted import lines_of
from tests.factories import (
    MINUTE,
    at,
    give_light,
    make_animal,
    make_cage,
    make_mark,
    make_schedule,
    make_user,
    record_minutes,
    slot,
)

NOW = at("12:00")
pytestmark = pytest.mark.usefixtures("clock")
WINDOW = Window(at("05:30"), at("09:00"))
EVERY_FILE = [
    *("minutes.csv", "hours.csv", "coverage.csv", "groups.csv", "group-cages.csv", "events.csv"),
    *("marks.csv", "schedules.csv", "animals.csv", "looks.csv", "data-dictionary.csv"),
    *("methods.md", "ro-crate-metadata.json"),
]


@pytest.fixture
def cage(user):
    return colony(user)


def colony(user):
    """A cage with 120 minutes, light, a mark and an animal."""
    cage = make_cage("Colony", user, room="Room 1")
    record_minutes(cage, slot("06:00"), [Health.BAD, Outcome.TIMEOUT, Health.OK, None] * 30)
    give_light(cage.room, make_schedule(), at("00:00"))
    make_mark(cage, at("06:10"), at("06:12"))
    make_animal(cage, "M1", group="control", sex="f")
    return cage


def make_study(*cages, margin=timedelta(minutes=5), exclusions=(), title="Sleep"):
    pairs = [(cage.pk, cage.label, cage.created_at) for cage in cages]
    order = StudyOrder(pairs, WINDOW, margin, list(exclusions))
    study = Study.objects.create(title=title, by="anna", made_at=NOW, order=order.to_json())
    study.cages.set(cages)
    return study


def made(study):
    content = b"".join(pieces_of(Study.objects.get(pk=study.pk), NOW))
    study.refresh_from_db()
    return content


def table(content, name):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read(name).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_same_study_gives_the_same_bytes_in_every_language(cage):
    study = make_study(cage)
    first = made(study)
    with translation.override("de"):
        second = made(study)
    assert first == second
    assert study.sha256 == hashlib.sha256(first).hexdigest()
    assert (study.size, study.rows, study.differences) == (len(first), 210, [])


def test_the_package_holds_every_file_with_its_checksum(cage):
    content = made(make_study(cage))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == EVERY_FILE
        graph = {one["@id"]: one for one in json.loads(archive.read(EVERY_FILE[-1]))["@graph"]}
        assert [part["@id"] for part in graph["./"]["hasPart"]] == EVERY_FILE[:-1]
        for name in EVERY_FILE[:-1]:
            assert graph[name]["sha256"] == hashlib.sha256(archive.read(name)).hexdigest()


def test_the_reader_of_ro_crates_finds_every_file_with_what_is_said_of_it(cage, tmp_path):
    content = made(study := make_study(cage))
    path = tmp_path / "study.zip"
    path.write_bytes(content)
    root = ROCrate(path).root_dataset
    assert (root["identifier"], root["name"]) == (study.name, "Sleep")
    assert root["datePublished"] == NOW.isoformat(timespec="seconds")
    assert root["license"]["name"] == "Not stated"
    assert root["mentions"]["softwareVersion"] == study.app_version
    parts = {part.id: part for part in root["hasPart"]}
    assert list(parts) == EVERY_FILE[:-1]
    with zipfile.ZipFile(path) as archive:
        for name, part in parts.items():
            file = archive.read(name)
            assert part.type == "File"
            assert part["contentSize"] == str(len(file))
            assert part["sha256"] == hashlib.sha256(file).hexdigest()
            assert part["description"]


def test_the_metadata_keep_the_rules_of_ro_crate(cage):
    with zipfile.ZipFile(io.BytesIO(made(make_study(cage)))) as archive:
        document = json.loads(archive.read(EVERY_FILE[-1]))
    # A flat list of entities, each with an id of its own and a type.
    graph = {one["@id"]: one for one in document["@graph"]}
    assert len(graph) == len(document["@graph"])
    assert all(one["@type"] for one in graph.values())
    descriptor, root = graph["ro-crate-metadata.json"], graph["./"]
    assert (descriptor["@type"], descriptor["about"]) == ("CreativeWork", {"@id": "./"})
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert document["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    assert root["@type"] == "Dataset"
    assert {"name", "description", "datePublished", "license", "hasPart"} <= set(root)
    # What is named is there.
    named = [value for one in graph.values() for value in one.values() if isinstance(value, dict)]
    here = [one["@id"] for one in (*named, *root["hasPart"]) if "://" not in one["@id"]]
    assert set(here) <= set(graph)


def test_each_minute_says_light_group_and_why_it_is_excluded(cage):
    seminar = Exclusion(Window(at("08:00"), at("08:10")), "fire alarm")
    content = made(make_study(cage, exclusions=[seminar]))
    minutes = {row["slot_local"][11:16]: row for row in table(content, "minutes.csv")}
    assert len(minutes) == 210
    assert {clock for clock, row in minutes.items() if row["excluded"] == "handling"} == {
        f"06:{minute:02d}" for minute in range(5, 18)
    }
    assert {clock for clock, row in minutes.items() if row["handling"] == "handling"} == {
        "06:10",
        "06:11",
        "06:12",
    }
    assert sum(row["excluded"] == "fire alarm" for row in minutes.values()) == 10
    assert (minutes["06:59"]["light_phase"], minutes["06:59"]["zt_minutes"]) == ("dark", "1439")
    assert (minutes["07:00"]["light_phase"], minutes["07:00"]["zt_minutes"]) == ("light", "0")
    assert {row["group"] for row in minutes.values()} == {"control"}
    (schedule,) = table(content, "schedules.csv")
    assert {row["schedule_version"] for row in minutes.values()} == {schedule["schedule_version"]}


def test_the_sums_of_hours_and_cages_add_up_to_the_minutes(cage):
    content = made(make_study(cage, make_cage("Empty")))
    parts = ("excluded", "perfect", "ok", "bad", "unanswered", "not_watched")
    for name in ("hours.csv", "coverage.csv"):
        rows = table(content, name)
        assert sum(int(row["minutes"]) for row in rows) == len(table(content, "minutes.csv")) == 420
        assert all(sum(int(row[part]) for part in parts) == int(row["minutes"]) for row in rows)
    assert int(table(content, "coverage.csv")[0]["excluded"]) == 13


def test_minutes_that_came_later_are_told_by_cage(cage):
    other = make_cage("Other")
    study = make_study(cage, other)
    made(study)
    record_minutes(other, slot("08:00"), [Health.OK] * 12)
    made(study)
    lines = in_words(study.differences)
    assert lines[0] == f"cage {other.pk}: 12 minutes that came later"
    assert not any(line.startswith(f"cage {cage.pk}:") for line in lines)


def test_a_mark_noted_later_is_told(cage):
    study = make_study(cage, margin=None)
    made(study)
    make_mark(cage, at("08:30"))
    made(study)
    assert "marks.csv has changed" in in_words(study.differences)
    with translation.override("de"):
        assert "marks.csv hat sich geändert" in in_words(study.differences)


def test_a_file_of_another_version_is_told(cage):
    study = make_study(cage)
    made(study)
    # As one was kept before there were looks.
    study.contents["files"].pop("looks.csv")
    Study.objects.update(contents=study.contents, sha256="0" * 64)
    made(study)
    assert in_words(study.differences) == ["looks.csv is new"]


def test_each_difference_has_words():
    values = {"cage": "7", "count": 2, "name": "marks.csv"}
    assert len(set(in_words((how, values) for how in Differs))) == len(Differs)


def test_a_file_that_was_not_taken_to_its_end_keeps_no_checksum(cage):
    study = make_study(cage)
    pieces = pieces_of(study, NOW)
    next(pieces)
    pieces.close()
    study.refresh_from_db()
    assert study.sha256 == ""


def test_the_methods_say_interval_coverage_light_and_exclusions(cage):
    content = made(make_study(cage))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read("methods.md").decode()
    assert "Each sensor was polled every 60 s" in text
    coverage = table(content, "coverage.csv")[0]
    known = sum(int(coverage[part]) for part in ("perfect", "ok", "bad"))
    assert f"Of 197 minutes that are not excluded, {known} are known" in text
    assert "12:12 from 07:00: lights on at 07:00 and off at 19:00" in text
    assert "Excluded, 13 minutes of all cages together: handling and 5 minutes" in text
    assert "Animals by group: control: 1." in text


def test_an_order_is_read_as_it_was_kept(cage):
    order = StudyOrder(
        [(cage.pk, cage.label, cage.created_at)],
        WINDOW,
        None,
        [Exclusion(Window(at("08:00"), at("08:00") + MINUTE), "power")],
    )
    assert StudyOrder.from_json(json.loads(json.dumps(order.to_json()))) == order


def test_the_record_of_changes_tells_who_made_a_study_and_its_checksum(cage):
    study = make_study(cage)
    made(study)
    made(study)
    lines = Change.objects.filter(table="cages_study", row=str(study.pk)).order_by("pk")
    assert [(one.verb, one.words) for one in lines] == [("added", "Sleep"), ("changed", "Sleep")]
    assert lines[1].after == {"sha256": study.sha256}
    (line, *_rest) = lines_of(lines)
    assert line.what == f"Study package {study.pk} · Sleep"
    assert line.address == f"/studies/{study.pk}/"
    assert {one.name: one.after for one in line.differences} == {
        **{"Title": "Sleep", "Who": "anna", "Made": "2026-03-02 12:00"},
        "What it shall hold": "…",
    }


def test_a_changed_order_is_noted_without_its_cages(cage):
    study = make_study(cage)
    order = StudyOrder([], WINDOW, None, [])
    Study.objects.filter(pk=study.pk).update(order=order.to_json())
    change = Change.objects.filter(table="cages_study").latest("pk")
    assert (change.verb, change.before, change.after) == ("changed", {"order": "…"}, {"order": "…"})


def test_groups_are_told_with_the_cage_as_the_unit(cage, user):
    other = make_cage("Other", user)
    make_animal(other, "M2", group="control")
    record_minutes(other, slot("05:30"), [Health.PERFECT] * 210)
    study = make_study(cage, other, make_cage("Empty", user))
    content = made(study)
    rows = {(row["within"], row["health"]): row for row in table(content, "groups.csv")}
    assert len(rows) == 9
    # Less than half of the minutes of the first cage are known.
    perfect = rows["all", "perfect"]
    assert (perfect["cages"], perfect["withheld"]) == ("1", "1")
    assert (perfect["median"], perfect["coverage_lowest"]) == ("1.000000", "1.000000")
    assert (perfect["q1"], perfect["sd"]) == ("", "")
    cages = {(row["label"], row["within"]): row for row in table(content, "group-cages.csv")}
    assert len(cages) == 9
    assert cages["Colony", "all"]["why_not"] == "little_known"
    assert cages["Empty", "all"]["why_not"] == "no_group"
    assert cages["Other", "dark"]["why_not"] == "no_minutes"
    known = int(cages["Colony", "all"]["bad"]) + int(cages["Colony", "all"]["ok"])
    coverage = table(content, "coverage.csv")[0]
    assert known == int(coverage["bad"]) + int(coverage["ok"])


def test_the_page_and_the_package_count_the_same_minutes(cage, user):
    late = make_cage("Late", user, room="Room 1", created_at=at("07:10"))
    make_animal(late, "M3", group="treated")
    record_minutes(late, slot("07:10"), [Health.PERFECT, Outcome.SKIPPED, Health.BAD] * 30)
    seminar = Exclusion(Window(at("06:40"), at("07:20")), "fire alarm")
    study = make_study(cage, late, exclusions=[seminar])
    order = StudyOrder.from_json(study.order)
    pairs = [(cage.pk, cage.label, cage.created_at), (late.pk, late.label, late.created_at)]
    assert order.cages == pairs
    page = list(cage_rows(compared(order, tallies_of(order))))
    package = table(made(study), "group-cages.csv")
    assert [list(row.values()) for row in package] == [
        ["" if cell is None else str(cell) for cell in row] for row in page
    ]


def test_the_lowest_coverage_is_that_of_the_study(cage):
    study = make_study(cage)
    study.order |= {"least_coverage_percent": 20}
    study.save()
    (first, *_rest) = table(made(study), "groups.csv")
    assert (first["cages"], first["withheld"]) == ("1", "0")


def test_the_methods_say_how_groups_are_compared(cage):
    with zipfile.ZipFile(io.BytesIO(made(make_study(cage)))) as archive:
        text = archive.read("methods.md").decode()
    assert "with the cage as the unit" in text
    assert "less than 50.0 % is known is withheld. control: n = 0 cages; withheld: 1." in text


def test_nothing_is_read_of_another_cage_that_got_the_id_of_a_purged_one(cage, user):
    gone = make_cage("Gone", user, room="Room 1")
    make_animal(gone, "M2", group="treated")
    study = make_study(cage, gone)
    pk = gone.pk
    gone.delete()
    purged = made(study)
    with zipfile.ZipFile(io.BytesIO(purged)) as archive:
        said = archive.read("methods.md").decode()
    assert f"Purged since the study was ordered: {pk} Gone." in said
    minutes = [row for row in table(purged, "minutes.csv") if row["label"] == "Gone"]
    assert len(minutes) == 210
    assert {(row["watched"], row["group"], row["light_phase"]) for row in minutes} == {
        ("0", "", "")
    }
    page = list(cage_rows(compared(order := StudyOrder.of(study), tallies_of(order))))

    other = make_cage("Secret", make_user(), id=pk, room="Room 1")
    make_animal(other, "B1", group="secret", protocol="B-123")
    make_mark(other, at("06:20"), at("06:30"), note="secret")
    record_minutes(other, slot("06:00"), [Health.BAD] * 30)
    Cage.objects.filter(pk=pk).archive(at("07:00"))
    assert made(study) == purged
    assert list(cage_rows(compared(order := StudyOrder.of(study), tallies_of(order)))) == page
