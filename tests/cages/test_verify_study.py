"""`manage.py verify_study`: what it says of a package, and of what is none."""

import hashlib
import io
import zipfile

import pytest
from django.core.management import CommandError, call_command

from tests.cages.test_study import NOW as AT_NOON
from tests.cages.test_study import colony, made, make_study

NOW = AT_NOON
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def cage(user):
    return colony(user)


def verified(path, capsys):
    try:
        call_command("verify_study", str(path))
    except CommandError as error:
        return error.returncode, capsys.readouterr().out
    return 0, capsys.readouterr().out


def test_a_package_is_verified_without_the_database(cage, tmp_path, capsys):
    content = made(study := make_study(cage))
    path = tmp_path / "study.zip"
    path.write_bytes(content)
    code, said = verified(path, capsys)
    assert (code, said.splitlines()[0]) == (0, f"{study.name}, SHA-256 {study.sha256}")
    assert "right: coverage.csv adds up to the 210 rows of minutes.csv." in said


@pytest.mark.parametrize("change", ["changed", "missing", "added"])
def test_what_is_wrong_with_a_package_is_said(cage, tmp_path, capsys, change):
    content, path = made(make_study(cage)), tmp_path / "study.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if name != "marks.csv" or change == "added":
                new.writestr(name, old.read(name))
        if change == "changed":
            new.writestr("marks.csv", old.read("marks.csv") + b"1")
        if change == "added":
            new.writestr("more.csv", b"1")
    code, said = verified(path, capsys)
    words = {
        "changed": "wrong: marks.csv: its SHA-256 is",
        "missing": "wrong: marks.csv is missing.",
        "added": "wrong: more.csv does not belong to the package.",
    }
    assert code == 1
    assert words[change] in said


def test_bytes_that_were_damaged_on_the_way_are_said(cage, tmp_path, capsys):
    content, path = bytearray(made(make_study(cage))), tmp_path / "study.zip"
    # Within the compressed minutes, which come first.
    content[60:100] = bytes(40)
    path.write_bytes(content)
    code, said = verified(path, capsys)
    assert code == 1
    assert "wrong: minutes.csv is damaged." in said


def test_what_is_no_package_is_refused(tmp_path, capsys):
    path = tmp_path / "study.zip"
    path.write_bytes(b"no zip")
    assert verified(path, capsys)[0] == 2


@pytest.mark.parametrize(
    "metadata",
    [
        "[]",
        "{}",
        '{"@graph": null}',
        '{"@graph": ["./"]}',
        '{"@graph": [{"@id": "./", "identifier": "NC-1", "hasPart": null}]}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:60],
)
def test_metadata_that_list_no_files_are_refused(tmp_path, metadata):
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ro-crate-metadata.json", metadata)
    with pytest.raises(CommandError, match="does not list the files") as refused:
        call_command("verify_study", str(path))
    assert refused.value.returncode == 2


def test_a_table_that_was_cut_is_refused(cage, tmp_path, capsys):
    content, path = made(make_study(cage)), tmp_path / "study.zip"
    cut = b"cage_id,label,minutes\n1\n"
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(path, "w") as new:
        files = {name: old.read(name) for name in old.namelist()}
        digest = hashlib.sha256(files["hours.csv"]).hexdigest()
        files["hours.csv"] = cut
        said = files.pop("ro-crate-metadata.json").decode()
        files["ro-crate-metadata.json"] = said.replace(digest, hashlib.sha256(cut).hexdigest())
        for name, file in files.items():
            new.writestr(name, file)
    assert verified(path, capsys)[0] == 2


def test_verify_adds_up_the_minutes_of_the_groups(cage, tmp_path, capsys):
    path = tmp_path / "study.zip"
    path.write_bytes(made(make_study(cage)))
    words = "right: group-cages.csv adds up to 197 minutes: those that are not excluded."
    assert words in verified(path, capsys)[1]
