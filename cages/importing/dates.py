"""Codes that a spreadsheet turned into dates: "2-1" becomes "2. Jan", or 44563."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

from django.utils.translation import gettext as _

from cages.importing.columns import column_name

# No room, rack or bay is named like a date. A label may be.
JUDGED = ("room", "rack", "row", "column")
# In English and German.
MONTH = (
    "(?:jan(?:uary?)?|feb(?:ruary?)?|m[aä]r(?:ch|z)?|mrz|apr(?:il)?|ma[iy]|jun[ei]?|jul[iy]?"
    r"|aug(?:ust)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?"
)
DATE = re.compile(
    rf"[0-9]{{1,2}}[. /-]+{MONTH}(?:[. /-]+[0-9]{{2,4}})?|{MONTH}[. /-]+[0-9]{{2,4}}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[ T][0-9:.]+)?|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{4}",
    re.IGNORECASE,
)
# Excel counts days from here (for days after February 1900).
FIRST_DAY = date(1899, 12, 30)
# The serial numbers of the days from 1982 to 2064. A column of a rack has three digits at most.
SERIALS = range(30_000, 60_000)


def dates_in(cells: Mapping[str, str]) -> str:
    """Return why these cells cannot be read, if a spreadsheet made dates of them, or empty."""
    return " ".join(words for name in JUDGED if (words := _why(name, cells.get(name, ""))))


def _why(name: str, text: str) -> str:
    shown = text
    if name == "column" and text.isascii() and text.isdigit() and len(text) == 5:
        if int(text) not in SERIALS:
            return ""
        shown = f"{text} = {FIRST_DAY + timedelta(days=int(text))}"
    elif not DATE.fullmatch(text):
        return ""
    return _(
        "%(column)s: “%(text)s” is a date. A spreadsheet probably made it of a code such as 2-1. "
        "Format the column as text and enter the code again."
    ) % {"column": column_name(name), "text": shown}
