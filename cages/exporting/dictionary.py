"""The data dictionary: what every column means and by which rules the files are made."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import translation
from django.utils.formats import number_format
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cages.exporting.columns import KINDS, Column
from cages.exporting.files import SHEET_ROWS, csv_of

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# The version of the dictionary. It changes when a column or a rule changes its meaning.
VERSION = 1
# People open it with a spreadsheet, which knows UTF-8 by this mark.
BOM = "\ufeff"
# {kind of file: its columns} of other apps, which put them here.
OTHER_FILES: dict[str, list[Column]] = {}
RULES: dict[str, "StrPromise"] = {
    "order": _("Rows are ordered by cage id, then by time."),
    "days": _("The first and the last day are included. Days are those of facility time."),
    "begin": _("The rows of a cage begin with the minute in which it was created."),
    "end": _("The last row is that of the last minute that has ended."),
    "missing": _(
        "A missing value is empty in CSV and in Excel, and null in Parquet. "
        "A missing minute is never filled in."
    ),
    "text": _("Texts are as they were entered, also where they look like a formula or a number."),
    "types": _(
        "Times are ISO 8601 in CSV, and dates in Excel and Parquet. Excel knows no time zones, so "
        "utc_offset tells the two hours apart when the clocks go back."
    ),
    "size": format_lazy(
        _("A sheet of Excel has at most {rows} rows. Larger exports need CSV or Parquet."),
        rows=lazy(number_format, str)(SHEET_ROWS, force_grouping=True),
    ),
    "csv": _("CSV is UTF-8 with commas, and lines end with CR LF (RFC 4180)."),
}


def dictionary(files: dict[str, list[Column]] | None = None) -> str:
    """The data dictionary as CSV: a row for each column of each kind of file, and each rule.

    The meanings are in every language of the pages. files: only these; None for all that there are.
    """
    files = {**KINDS, **OTHER_FILES} if files is None else files
    languages = [language for language, _name in settings.LANGUAGES]
    meanings = [f"meaning_{language}" for language in languages]
    head = ("file", "column", "type", *meanings, "facility_time_zone", "dictionary_version")
    entries = [
        *(("all", f"rule: {name}", "", words) for name, words in RULES.items()),
        *(
            (kind, column.name, column.kind, column.meaning)
            for kind, columns in files.items()
            for column in columns
        ),
    ]
    told = []
    for language in languages:
        with translation.override(language):
            told.append([str(words) for *_name, words in entries])
    rows = [
        (*entry[:3], *words, settings.FACILITY_TIME_ZONE, VERSION)
        for entry, *words in zip(entries, *told, strict=True)
    ]
    return BOM + csv_of([head, *rows])
