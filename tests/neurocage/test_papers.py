"""The documents: length, links, commands and tables that they name."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.db import connection
from django.urls import Resolver404, resolve

PROJECT = Path(__file__).resolve().parents[2]
PAPERS = [
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"),
    *("bench/README.md", "sensor_api/README.md"),
    *sorted(f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md")),
]
LARGEST_README_WORD_COUNT = 600
FENCED = re.compile(r"^ *```.*?^ *```$", re.M | re.S)
VIEWS = {"cages_reading", "cages_sensorrequest"}  # made by setup_storage
TABLE = re.compile(r"`((?:cages|people)_[a-z_]+)`")


def text_of(paper):
    return (PROJECT / paper).read_text()


def code_in(paper):
    """Return everything in the document that is marked as code."""
    text = text_of(paper)
    return "\n".join(FENCED.findall(text) + re.findall(r"`([^`\n]+)`", FENCED.sub("", text)))


def anchors_of(path):
    """Return the anchors that GitHub makes of the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", path.read_text()), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short():
    assert len(text_of("README.md").split()) <= LARGEST_README_WORD_COUNT


@pytest.mark.parametrize("paper", PAPERS)
def test_a_relative_link_points_to_a_file_and_heading_that_exist(paper):
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", text_of(paper))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (PROJECT / paper).parent / name if name else PROJECT / paper
        assert path.exists(), target
        assert not anchor or anchor in anchors_of(path), target


@pytest.mark.parametrize("paper", PAPERS)
def test_a_command_exists(paper):
    targets = re.findall(r"^([a-z-]+):", text_of("Makefile"), re.M)
    code = code_in(paper)
    for target in re.findall(r"\bmake ([a-z-]+)", code):
        assert target in targets, f"make {target}"
    for command in re.findall(r"manage\.py ([a-z_]+)", code):
        assert command in get_commands(), f"manage.py {command}"


@pytest.mark.parametrize("paper", PAPERS)
def test_a_program_and_a_test_file_exist(paper):
    code = code_in(paper)
    for module in re.findall(r"python -m ((?:bench|tests)[a-z_.]*)", code):
        assert (PROJECT / f"{module.replace('.', '/')}.py").exists(), module
    for path in re.findall(r"\btests/[\w/]+\.py", code):
        assert (PROJECT / path).exists(), path


@pytest.mark.parametrize("paper", PAPERS)
def test_a_test_that_is_named_exists(paper):
    for path, name in re.findall(r"(\btests/[\w/]+\.py)::(\w+)", text_of(paper)):
        assert re.search(rf"(?m)^def {name}\(", text_of(path)), f"{path}::{name}"


@pytest.mark.parametrize("paper", PAPERS)
def test_a_file_or_folder_of_the_project_exists(paper):
    """A name in backticks that starts with one of the project's folders is a path."""
    starts = {path.name for path in PROJECT.iterdir() if path.is_dir() and path.name[0] != "."}
    for path in re.findall(r"`([a-z_]+/[\w/.-]*)`", FENCED.sub("", text_of(paper))):
        if path.partition("/")[0] in starts:
            assert (PROJECT / path).exists(), path


def test_every_table_exists():
    tables = {model._meta.db_table for model in apps.get_models()} | VIEWS
    named = {table for paper in PAPERS for table in TABLE.findall(text_of(paper))}
    assert named <= tables


@pytest.mark.django_db
def test_the_sql_examples_run():
    examples = re.findall(r"```sql\n(.*?)```", text_of("docs/data.md"), re.S)
    assert examples
    with connection.cursor() as cursor:
        for example in examples:
            cursor.execute(example)


# The simulator has URLs of its own.
@pytest.mark.parametrize("paper", [paper for paper in PAPERS if "sensor_api" not in paper])
def test_a_page_exists(paper):
    for address in re.findall(r"`(/[a-z][\w/]*)`", text_of(paper)):
        try:
            resolve(address)
        except Resolver404:
            pytest.fail(address)
