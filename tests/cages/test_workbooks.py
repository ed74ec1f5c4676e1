"""Workbooks: cages out in the columns of the import, and back in; and what is no workbook."""

import io
import zipfile
from datetime import date, datetime, time

import pytest
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from cages.importing.columns import COLUMNS as IMPORT_COLUMNS
from cages.importing.workbook import LARGEST_CELL_COUNT, LARGEST_UNPACKED
from cages.models import Cage
from tests.factories import make_cage
from tests.imports import import_file, numbers, reasons, upload
from tests.pages import errors_of, queries_of

pytestmark = pytest.mark.django_db
SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def owner(user):
    return user


def saved(book):
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def book_of(*rows, **sheets):
    """The bytes of a workbook with these rows, and with further sheets by name."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for title, more in sheets.items():
        sheet = book.create_sheet(title)
        for row in more:
            sheet.append(row)
    return saved(book)


def with_part(data, name, content):
    """The workbook with another content of one part."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", 8) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, content)
    return file.getvalue()


# Cages out, and back in


@pytest.mark.parametrize("format", ["csv", "excel"])
def test_an_import_of_the_exported_cages_changes_nothing(browser, owner, format):
    texts = ["+/+ control", "'-/- x", "1E5", "0012", "12:30", "K\u00e4fig_x0041_", "TRUE"]
    for number, text in enumerate(texts, start=1):
        place = {"room": "Süd", "rack": "B", "row": "B", "column": number}
        fields = {"notes": f"{text}\r\ntwo", "is_polled": False, "animal_count": number}
        make_cage(text, owner, strain=text, **place, **fields)
    make_cage("Bare", owner)
    query = {"which": "all", "format": format}
    response = browser.get(reverse("cage-export-cages"), query)
    assert f".{'xlsx' if format == 'excel' else 'csv'}" in response["Content-Disposition"]
    plan = upload(browser, b"".join(response.streaming_content)).context["plan"]
    assert reasons_of(plan) == []
    assert len(plan.unchanged) == len(texts) + 1


def reasons_of(plan):
    return [row.reason or row.changes for row in [*plan.refused, *plan.changed, *plan.new]]


@pytest.mark.parametrize("name", ["cage-import-template", "cage-import-template-csv"])
def test_a_template_has_the_columns_and_can_be_filled_in(browser, name):
    response = browser.get(reverse(name))
    content = b"".join(response.streaming_content)
    values = {"id": 7, "label": "A", "room": "R2", "rack": "B", "row": "A", "column": 1}
    if name.endswith("csv"):
        columns = content.decode().strip().split(",")
        content += ",".join(str(values.get(column, "")) for column in columns).encode()
    else:
        book = load_workbook(io.BytesIO(content))
        columns = [cell.value for cell in book.active[1]]
        assert book.active.column_dimensions["B"].number_format == "@"
        book.active.append([values.get(column) for column in columns])
        file = io.BytesIO()
        book.save(file)
        content = file.getvalue()
    # A person who may not choose owners gets no such column.
    assert columns == [column for column in IMPORT_COLUMNS if column != "owner"]
    assert [row.number for row in upload(browser, content).context["plan"].new] == [2]


def test_the_number_of_queries_of_exported_cages_does_not_grow(browser, owner):
    address = reverse("cage-export-cages")
    for _ in range(2):
        make_cage(owner=owner)
    count = queries_of(lambda: b"".join(browser.get(address).streaming_content) and None)
    for _ in range(20):
        make_cage(owner=owner, room="R", rack="B")
    assert queries_of(lambda: b"".join(browser.get(address).streaming_content) and None) == count


# What a workbook may hold


def test_a_workbook_is_read_as_a_person_sees_it(browser):
    data = book_of(
        [],
        [None, "Id\n", "Label", "Animal count", "Notes", "is_polled", None],
        [None, 7.0, 12, 3.0, date(2026, 3, 1), True, None],
        [],
        [None, 8, "+/+ control", None, "two\nlines", "nein"],
        Notes=[["Anything"], [1]],
    )
    assert numbers(upload(browser, data).context["plan"].new) == [3, 5]
    import_file(browser, data)
    values = Cage.objects.order_by("pk").values_list(
        "pk", "label", "animal_count", "notes", "is_polled"
    )
    assert list(values) == [
        (7, "12", 3, "2026-03-01", True),
        (8, "+/+ control", None, "two\nlines", False),
    ]


def test_the_zeros_that_a_number_is_shown_with_are_read(browser):
    book = Workbook()
    book.active.append(["label"])
    book.active["A2"] = 12
    book.active["A2"].number_format = "0000"
    import_file(browser, saved(book))
    assert Cage.objects.get().label == "0012"


@pytest.mark.parametrize("value", [datetime(2026, 3, 1), date(2026, 3, 1), time(12, 30)])
def test_a_label_that_a_spreadsheet_made_a_date_of_is_refused(browser, value):
    (reason,) = reasons(upload(browser, book_of(["label"], [value]))).values()
    assert reason.startswith("Label: The spreadsheet made a date or a time of it (")


def test_a_cell_with_an_error_is_refused(browser):
    (reason,) = reasons(upload(browser, book_of(["label"], ["#REF!"]))).values()
    assert reason == "Label: The cell shows the error #REF!."


def test_two_sheets_of_cages_are_refused_by_name(browser):
    data = book_of(["label"], ["A"], Old=[["label"], ["B"]])
    (message,) = errors_of(upload(browser, data))["file"]
    assert "More than one sheet has columns of cages: “Sheet”, “Old”." in message


A_CAGE = book_of(["label"], ["A"])
XML = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
ENTITIES = b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]>' + XML
TOO_LARGE = "The workbook is too large."
UNREADABLE = "The file is not an Excel workbook that can be read."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_part(A_CAGE, "xl/media/a.png", b"0" * LARGEST_UNPACKED), TOO_LARGE),
        (with_part(A_CAGE, SHEET, XML + b"<c/>" * (LARGEST_CELL_COUNT + 1)), TOO_LARGE),
        (with_part(A_CAGE, "xl/styles.xml", b"<a>" + b"<b/>" * 1_200_000), TOO_LARGE),
        (book_of(["label"], ["A"], **{f"s{number}": [] for number in range(20)}), TOO_LARGE),
        (book_of(["label"], [*([None] * 100), "x"]), TOO_LARGE),
        (with_part(A_CAGE, SHEET, ENTITIES + b"&d;</sheetData></worksheet>"), UNREADABLE),
        (with_part(A_CAGE, SHEET, XML), UNREADABLE),
        (with_part(A_CAGE, "xl/workbook.xml", b"<workbook/>"), "has no rows"),
        (A_CAGE[:-100], UNREADABLE),
        (A_CAGE.replace(b"xl/workbook.xml", b"xl/notebook.xml"), "not an Excel workbook. Save it"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512), "an old Excel file (.xls)"),
        (book_of(["label"], ["=1+1"]), "The workbook has formulas without results."),
        (book_of(["label"]), "The file has no rows below its column names."),
        (book_of(["Futter"], ["x"]), "unknown columns: “Futter”"),
    ],
    ids=range(14),
)
def test_what_is_no_workbook_of_cages_is_refused_in_words(browser, data, message):
    assert len(data) < 2 * 1024 * 1024
    assert message in errors_of(upload(browser, data))["file"][0]
