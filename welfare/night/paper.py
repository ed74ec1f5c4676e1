"""A night sheet as a PDF, in black and white: shapes and words tell, no colour does."""

import io
from html import escape

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate

from cages.drawing.words import date_and_time, time_of_day, whole_percent
from cages.models import Cage
from welfare.bays import rack_and_bay
from welfare.models import NightSheet
from welfare.night.sheet import Group, Line, Sheet

# Fonts of every PDF reader: nothing is embedded. They have the letters of Western Europe only.
FONT, BOLD, SHAPES = "Helvetica", "Helvetica-Bold", "ZapfDingbats"
LETTERS = "cp1252"
# A square, a triangle and a circle.
SHAPE_OF = {"bad": "n", "unlike": "s", "unseen": "m"}
MARGIN = 12 * mm
TITLE = ParagraphStyle("title", fontName=BOLD, fontSize=13, leading=17)
HEADING = ParagraphStyle(
    "heading", fontName=BOLD, fontSize=9.5, leading=12, spaceBefore=5, keepWithNext=1
)
NORMAL = ParagraphStyle("normal", fontName=FONT, fontSize=8.5, leading=10.5)
NAME = ParagraphStyle("name", parent=NORMAL, fontName=BOLD, keepWithNext=1)
SAID = ParagraphStyle("said", parent=NORMAL, leftIndent=10, firstLineIndent=-10)
SMALL = ParagraphStyle("small", parent=NORMAL, fontSize=7.5, leading=9.5)


def paper_of(kept: NightSheet, sheet: Sheet) -> bytes:
    """The sheet in the language that is active."""
    parts = [*_head(kept, sheet), _text(f"{_('To look at')}: {len(sheet.lines)}", HEADING)]
    for line in sheet.lines:
        parts.append(_text(_name(line.cage), NAME))
        parts += [_said(says, words) for says, words in words_of(line)]
    parts.append(_text(f"{_('Open on the desk now')}: {len(sheet.concerns)}", HEADING))
    for concern in sheet.concerns:
        if concern.cage:
            since = _("since %(since)s") % {"since": date_and_time(concern.raised_at)}
            text = f"{_name(concern.cage)}: {concern.get_kind_display()}, {since}"
            if concern.recheck_at:
                due = {"due": date_and_time(concern.recheck_at)}
                text += "; " + _("recheck due %(due)s") % due
            parts.append(_text(text))
    parts += _group(_("Too little seen"), sheet.little)
    parts += _group(_("Nothing to say, but less is known or a concern is open"), sheet.rest)
    parts += _group(_("Leave alone"), sheet.alone)
    if sheet.without:
        title = _("Without a dark phase that Neurocage knows")
        parts.append(_text(f"{title}: {len(sheet.without)}", HEADING))
        names = (rack_and_bay(cage) or cage.label for cage in sheet.without)
        parts.append(_text(", ".join(names), SMALL))
    parts.append(_text(_("The daily look at every animal stays.")))
    file = io.BytesIO()
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), MARGIN)
    SimpleDocTemplate(file, pagesize=A4, title=_known(str(kept.room)), **margins).build(parts)
    return file.getvalue()


def file_name(kept: NightSheet) -> str:
    """The name of the file: the room's number and the day."""
    return f"night-{kept.room_id}-{localtime(kept.ends_at):%Y-%m-%d}.pdf"


def words_of(line: Line) -> list[tuple[str, str]]:
    """[(what it says: "bad", "unlike" or "unseen", the words)]"""
    found = []
    if "bad" in line.says and line.longest:
        told = {"bad": line.bad, "known": line.known, "minutes": line.minutes}
        spell = {
            "minutes": line.longest.minutes,
            "at": time_of_day(line.longest.first),
            "same": line.longest.same,
            "known": line.longest.known,
        }
        longest = _("longest %(minutes)s min from %(at)s, %(same)s of %(known)s known")
        if not line.longest.is_exact:
            longest = _("longest at least %(minutes)s min from %(at)s, %(same)s of %(known)s known")
        text = _("Bad in %(bad)s of %(known)s known minutes (%(minutes)s in the phase)") % told
        found.append(("bad", f"{text}; {longest % spell}."))
    if "unlike" in line.says and line.usual:
        shares = {
            "share": whole_percent(line.bad_share),
            "known": line.known,
            "low": whole_percent(line.usual[0]),
            "high": whole_percent(line.usual[1]),
            "phases": line.phases,
        }
        text = _(
            "Unlike this cage: Bad in %(share)s of %(known)s known minutes; %(low)s to %(high)s in "
            "%(phases)s dark phases before"
        )
        found.append(("unlike", f"{text % shares}."))
    if "unseen" in line.says and line.silent_since:
        silence = {
            "unseen": line.unseen,
            "minutes": line.minutes,
            "longest": line.silent_minutes,
            "at": time_of_day(line.silent_since),
        }
        text = _(
            "Unseen for %(unseen)s of %(minutes)s minutes; longest %(longest)s min from %(at)s"
        )
        by_eye = f" - {_('check by eye')}" if line.by_eye else ""
        found.append(("unseen", f"{text % silence}{by_eye}."))
    return found


def _head(kept: NightSheet, sheet: Sheet) -> list[Paragraph]:
    told = {
        "from": date_and_time(kept.begins_at),
        "to": date_and_time(kept.ends_at),
        "made": date_and_time(kept.made_at),
    }
    text = _(
        "Dark phase from %(from)s to %(to)s, as it was known at %(made)s. Results that arrived "
        "later are not in it."
    )
    said = {"n": sheet.cages, "said": len(sheet.lines)}
    return [
        _text(_("Night sheet: %(room)s") % {"room": kept.room}, TITLE),
        _text(text % told),
        _text(_("%(n)s cages, %(said)s with something to say.") % said),
    ]


def _group(title: str, group: Group) -> list[Paragraph]:
    if not group.cages:
        return []
    least = {
        "share": whole_percent(group.least),
        "known": group.least.count,
        "minutes": group.least.total,
    }
    text = _("Known for at least %(share)s (%(known)s of %(minutes)s minutes) each.")
    return [
        _text(f"{title}: {len(group.cages)}", HEADING),
        _text(text % least, SMALL),
        *(_text(f"{place or '-'}: {_names(cages)}", SMALL) for place, cages in group.by_rack()),
    ]


def _name(cage: Cage) -> str:
    return f"{rack_and_bay(cage)} · {cage.label}" if cage.bay_name else cage.label


def _names(cages: list[Cage]) -> str:
    return " ".join(cage.bay_name or cage.label for cage in cages)


def _known(text: str) -> str:
    """The text with "?" for each letter that the fonts have not."""
    return text.encode(LETTERS, "replace").decode(LETTERS)


def _text(text: str, style: ParagraphStyle = NORMAL) -> Paragraph:
    return Paragraph(escape(_known(text)), style)


def _said(says: str, words: str) -> Paragraph:
    shape = f'<font name="{SHAPES}" size="7">{SHAPE_OF[says]}</font>'
    return Paragraph(f"{shape} {escape(_known(words))}", SAID)
