"""Files as they are: what spreadsheets and other programs make of a list of cages."""

import pytest

from cages.importing.sheet import rows_of
from cages.models import Cage
from tests.factories import make_cage
from tests.imports import answer, confirm, import_file, numbers, reasons, upload
from tests.pages import errors_of, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("0,A,,,,", "id must be a whole number"),
        ("2000000001,A,,,,", "id must be a whole number"),
        ("7,A,,B,,", "Rack: Enter the rack"),
        ("7,A,R,B,,", "Column: Enter the column too"),
        ("7,A,R,B1x,1,", "Row: A row is one or two letters"),
        ("7,A,R,B,seven,", "Column: Enter a whole number."),
        (f"7,{'w' * 101},,,,", "Label: Ensure this value has at most 100 characters"),
        (",nul\x00,,,,", "Label: Null characters are not allowed."),
        ("7,A,,,,maybe", "Poll the sensor every minute: Write yes or no."),
        ("7,A,,,", "This row has 5 cells; the first row has 6."),
        ("7,A,,,,yes,more", "“more” stands in column 7, which has no name in the first row."),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_with_the_reason(browser, cells, reason):
    dry_run = upload(browser, f"id,label,rack,row,column,is_polled\n{cells}\n")
    assert reason in reasons(dry_run)[2]
    assert "There is nothing to import" in text_of(dry_run)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The submitted file is empty."),
        (b"id,label\n", "The file has no rows below its column names."),
        ("id,label\n1,Käfig\n".encode("cp1252"), "The file is not UTF-8 text."),
        (b"id,label,colour\n1,A,red\n", "unknown columns: “colour”."),
        (b"id,label,ID\n1,A,2\n", "has the column “id” twice"),
        (b"room,rack\nR2,B\n", "The file needs the column “id” or “label”."),
        (b'id,label\n1,"A\n', "is not valid CSV near line 2: a quotation mark is missing"),
        (b"id,label\n" + b"1,A\n" * 10_001, "more than 10,000 rows"),
        (b"id,label" + b"," * 100 + b"x\n1,A\n", "more than 100 columns"),
        (b"id,label\n" + b"x" * 2 * 1024 * 1024, "larger than 2 MB"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_at_its_field(browser, data, message):
    response = upload(browser, data)
    assert message in errors_of(response)["file"][0]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffId;Label;Animal count\r\n7;Käfig, Süd;3\r\n",
        "ID\tlabel\tanimal_count\n7\tKäfig, Süd\t3",
        "ID\tlabel\tanimal_count\n7\tKäfig, Süd\t3\n".encode("utf-16"),
        "sep=;\r\nid;label;animal_count\r\n7;Käfig, Süd;3\r\n",
        '"animal\ncount";"Label\n";id\n3;Käfig, Süd;7\n',
        'id,label,animal_count,,,\n7,"Käfig, Süd",3,,,\n,,,,,\n',
        'id,label,animal_count\n7,"Käfig, Süd",3,,\n',
        ";id;label;animal_count\n;7;Käfig, Süd;3\n",
        'id,label,animal_count\n7.0,"Käfig, Süd",3.0\n',
        "id;label;animal_count\n7,0;Käfig, Süd;3,00\n",
        '"id,label,animal_count";;\n7;Käfig, Süd;3\n',
        "id,label,animal_count;;\n7;Käfig, Süd;3\n",
        '"id,label,animal_count";;\n"7,""Käfig, Süd"",3";;\n',
        "id;Bezeichnung;Anzahl der Tiere\n7;Käfig, Süd;3\n",
    ],
)
def test_what_spreadsheets_write_is_understood(browser, text):
    import_file(browser, text)
    cage = Cage.objects.get(pk=7)
    assert (cage.label, cage.animal_count) == ("Käfig, Süd", 3)


def test_empty_rows_count_as_a_spreadsheet_counts_them():
    assert numbers(rows_of(b"sep=,\nid,label\n\n,\n7,A\n")) == [4]


def test_one_row_without_an_id_is_a_new_cage_beside_ids_with_a_point(browser, user):
    make_cage("Old", user, id=901)
    plan = upload(browser, "id,label\n901.0,Old\n,New\n").context["plan"]
    assert (numbers(plan.unchanged), numbers(plan.new)) == ([2], [3])


def test_every_unknown_column_is_named_with_what_it_may_mean(browser):
    page = upload(browser, "Cage #,Room,DOB,# mice,Sex,Xyzzy\n1204,R1,3/7/2024,4,F,?\n")
    (message,) = errors_of(page)["file"]
    assert (
        "“Cage #” → Label; “DOB” → date of birth: there is no such column, use notes; "
        "“# mice” → Number of animals (animal_count); "
        "“Sex” → sex: there is no such column, use notes; “Xyzzy”."
    ) in message


def test_a_value_under_no_name_is_refused_by_row(browser):
    dry_run = upload(browser, ";label;room\n;C1;R1\nx;C2;R1\n")
    assert numbers(dry_run.context["plan"].new) == [2]
    why = "“x” stands in column 1, which has no name in the first row."
    assert reasons(dry_run) == {3: why}


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("R,2. Jan,B,1", "Rack: “2. Jan” is a date."),
        ("R,A,B,02.Mai", "Column: “02.Mai” is a date."),
        ("R,A,B,44563", "Column: “44563 = 2022-01-02” is a date."),
        ("2024-02-01,A,Feb-24,1", "Room: “2024-02-01” is a date."),
        ("R,A,Feb-24,1", "Row: “Feb-24” is a date."),
    ],
)
def test_a_code_that_became_a_date_is_refused_with_the_cause(browser, cells, told):
    reason = reasons(upload(browser, f"label,room,rack,row,column\n1-Mar,{cells}\n"))[2]
    assert told in reason
    assert "Format the column as text" in reason


def test_names_that_only_look_like_dates_are_kept(browser):
    labels = ["3-12", "MAR1", "1E5", "0012", "12:30", "1/2", "NA", "TRUE", "+/+", "-/-", "@het"]
    text = "label,room,rack\n" + "".join(f"{one},March,Marker-12\n" for one in labels)
    import_file(browser, text)
    assert set(Cage.objects.values_list("label", flat=True)) == set(labels)


# Questions


def test_an_apostrophe_before_a_formula_is_asked_about(browser, user):
    make_cage("+/+ control", user, id=7)
    dry_run = upload(browser, "label,strain\n'+/+ control,'-/-\n")
    why = "Label: Is it “+/+ control”? The apostrophe before it may come from a spreadsheet."
    assert why in reasons(dry_run)[2]
    bare = answer(browser, dry_run, "bare")
    assert bare.context["plan"].changed[0].changes == [("strain", "", "-/-")]
    guarded = answer(browser, dry_run, "guarded")
    assert numbers(guarded.context["plan"].new) == [2]
    confirm(browser, guarded)
    assert Cage.objects.filter(label="'+/+ control", strain="'-/-").exists()
    again = upload(browser, "label,strain\n'+/+ control,'-/-\n").context["plan"]
    assert numbers(again.unchanged) == [2]


def test_one_row_an_animal_is_offered_as_cages(browser):
    text = "label,strain,notes\nA1,CD1,ear 1\nA1,CD1,ear 2\na1,CD1,ear 1\nB1,CD1,\nC1,x,\nC1,y,\n"
    dry_run = upload(browser, text)
    assert reasons(dry_run)[3] == "Row 2 is for the same cage."
    assert "6 rows, 3 cages, 6 animals" in text_of(dry_run)
    offered = answer(browser, dry_run, "animals")
    differ = "The rows of this cage differ in Species or strain. Rows: 6, 7."
    assert reasons(offered) == {6: differ}
    confirm(browser, offered)
    cages = Cage.objects.order_by("label").values_list("label", "animal_count", "notes")
    assert list(cages) == [("A1", 3, "ear 1\near 2"), ("B1", 1, "")]


@pytest.mark.parametrize("text", ["label\nA\nB\n", "label,animal_count\nA,2\nA,\n"])
def test_other_files_are_not_offered_as_animals(browser, text):
    assert upload(browser, text).context["animals"] is None


def test_a_german_reads_german_sentences(browser):
    german = {"headers": {"Accept-Language": "de"}}
    page = upload(browser, "label,Futter,Mäuse\nA,x,3\n", **german)
    assert "unbekannte Spalten: „Futter“; „Mäuse“ → Anzahl der Tiere" in text_of(page)
    page = upload(browser, "label,room,row\n,R1,B\n", **german)
    assert "Bezeichnung: Dieses Feld ist zwingend erforderlich." in text_of(page)
