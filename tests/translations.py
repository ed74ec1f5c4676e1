"""What is to be translated, and its compiled form; `make messages` runs this.

Django's own commands for it need GNU gettext, which neither the images nor every machine have.
"""

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "locale/de/LC_MESSAGES/django.po"
MO = PO.with_suffix(".mo")
# Babel's would carry dates, and so differ after each run.
HEADER = r"""# German. The messages come from `make messages`, their translations from people.
msgid ""
msgstr ""
"Language: de\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""
ONE, PLURAL, WITH_CONTEXT, PLURAL_WITH_CONTEXT = None, (1, 2), ((1, "c"), 2), ((1, "c"), 2, 3)
CALLS = {
    "gettext": ONE,
    "ngettext": PLURAL,
    "pgettext": WITH_CONTEXT,
    "npgettext": PLURAL_WITH_CONTEXT,
}
KEYWORDS = {
    "_": ONE,
    "gettext_noop": ONE,
    **CALLS,
    **{f"{name}_lazy": shape for name, shape in CALLS.items()},
}


def _sources():
    for folder in ("cages", "neurocage", "people", "welfare"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.read_text()
    # Pages, and the texts of mails.
    templates = ROOT / "templates"
    for path in sorted([*templates.rglob("*.html"), *templates.rglob("*.txt")]):
        calls = templatize(path.read_text(), origin=str(path.relative_to(ROOT)))
        # The rest is blanked out, but not its indentation, which Python would not have.
        yield "\n".join(line.strip() for line in calls.splitlines())


def extracted():
    """A Catalog of all messages that stand in the code and the templates, without translations."""
    catalog = Catalog(locale="de")
    for source in _sources():
        file = io.BytesIO(source.encode())
        for _line, message, _comments, context in extract("python", file, KEYWORDS):
            catalog.add(message, context=context)
    return catalog


def translated():
    """The Catalog that the .po file holds."""
    with PO.open("rb") as file:
        return read_po(file, locale="de")


def as_po(catalog):
    """The text of a .po file: sorted and without places, so that a change of it is small."""
    file = io.BytesIO()
    write_po(file, catalog, width=100, no_location=True, omit_header=True, sort_output=True)
    return HEADER + file.getvalue().decode().strip() + "\n"


def as_mo(catalog):
    """The bytes of a .mo file, the same ones for the same messages."""
    plain = Catalog(locale="de")
    for message in catalog:
        if message.id and message.string and not message.fuzzy:
            plain.add(message.id, message.string, context=message.context)
    # Babel says in it when it was made.
    plain.creation_date = plain.revision_date = datetime(2000, 1, 1, tzinfo=UTC)
    file = io.BytesIO()
    write_mo(file, plain)
    return file.getvalue()


def update():
    """Bring both files up to date; returns how many messages have no translation yet."""
    catalog = extracted()
    known = translated() if PO.exists() else Catalog(locale="de")
    for message in catalog:
        before = message.id and known.get(message.id, message.context)
        if before and type(before.id) is type(message.id):  # with a plural, or without
            message.string = before.string
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_text(as_po(catalog))
    catalog = translated()
    MO.write_bytes(as_mo(catalog))
    return len(missing(catalog))


def missing(catalog):
    """The ids of the messages that are not, or not wholly, translated."""
    return [
        message.id
        for message in catalog
        if message.id and (message.fuzzy or not all(_strings(message)))
    ]


def _strings(message):
    return message.string if isinstance(message.string, (tuple, list)) else (message.string,)


if __name__ == "__main__":
    print(f"{PO.relative_to(ROOT)}: {update()} without a translation")
