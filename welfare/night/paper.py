"""A night sheet as a PDF, in black and white: shapes and words tell, no colour does."""

from collections.abc import Iterable

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from cages.drawing.words import date_and_time, time_of_day, whole_percent
from welfare.models import NightSheet
from welfare.night.sheet import Group, Line, Sheet

FONT = "helvetica"
# Fonts of every PDF reader: nothing is embedded. They have the letters of Western Europe only.
LETTERS = "latin-1"
SMALL, NORMAL, LARGE = 7.5, 8.5, 13
MARGIN_MM = 12
LINE_MM = 3.8
# The side of a shape before a line.
SHAPE_MM = 2.2


def paper_of(kept: NightSheet, sheet: Sheet) -> bytes:
    """The sheet in the language that is active."""
    paper = _Paper(format="A4")
    paper.title_of(kept, sheet)
    paper.heading(f"{_('To look at')}: {len(sheet.lines)}")
    for line in sheet.lines:
        paper.line(line)
    paper.heading(f"{_('Open on the desk now')}: {len(sheet.concerns)}")
    for concern in sheet.concerns:
        if concern.cage:
            since = _("since %(since)s") % {"since": date_and_time(concern.raised_at)}
            text = f"{_name(concern.cage)}: {concern.get_kind_display()}, {since}"
            if concern.recheck_at:
                due = {"due": date_and_time(concern.recheck_at)}
                text += "; " + _("recheck due %(due)s") % due
            paper.text_line(text)
    for title, group in (
        (_("Too little seen"), sheet.little),
        (_("Nothing to say, less is known"), sheet.rest),
        (_("Leave alone"), sheet.alone),
    ):
        paper.group(title, group)
    if sheet.without:
        title = _("Without a dark phase that Neurocage knows")
        paper.heading(f"{title}: {len(sheet.without)}")
        paper.text_line(" ".join(cage.bay_name or cage.label for cage in sheet.without))
    paper.text_line(_("The daily look at every animal stays."))
    return bytes(paper.output())


def _name(cage: object) -> str:
    bay, label = getattr(cage, "bay_name", ""), getattr(cage, "label", "")
    return f"{bay} · {label}" if bay else str(label)


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


class _Paper(FPDF):
    """A4 with small letters. Lines break by themselves, and pages too."""

    def __init__(self, format: str) -> None:
        super().__init__(format=format)
        self.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, MARGIN_MM)
        self.add_page()

    def text_line(self, text: str, size: float = NORMAL, style: str = "") -> None:
        self.set_font(FONT, style, size)
        known = text.replace("–", "-").encode(LETTERS, "replace").decode(LETTERS)
        self.multi_cell(0, LINE_MM, known, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")

    def title_of(self, kept: NightSheet, sheet: Sheet) -> None:
        self.set_font(FONT, "B", LARGE)
        self.text_line(_("Night sheet: %(room)s") % {"room": kept.room}, LARGE, "B")
        self.ln(2)
        told = {
            "from": date_and_time(kept.begins_at),
            "to": date_and_time(kept.ends_at),
            "made": date_and_time(kept.made_at),
        }
        text = _(
            "Dark phase from %(from)s to %(to)s, as it was known at %(made)s. Results that arrived "
            "later are not in it."
        )
        self.text_line(text % told)
        said = {"n": sheet.cages, "said": len(sheet.lines)}
        self.text_line(_("%(n)s cages, %(said)s with something to say.") % said)

    def heading(self, text: str) -> None:
        self.ln(1.5)
        self.text_line(text, NORMAL + 1, "B")

    def line(self, line: Line) -> None:
        self.text_line(_name(line.cage), NORMAL, "B")
        for says, words in words_of(line):
            self._shape(says)
            self.set_x(MARGIN_MM + 2 * SHAPE_MM)
            self.text_line(words)

    def _shape(self, says: str) -> None:
        x, y = MARGIN_MM, self.get_y() + (LINE_MM - SHAPE_MM) / 2
        if self.will_page_break(LINE_MM):
            self.add_page()
            y = self.get_y() + (LINE_MM - SHAPE_MM) / 2
        if says == "bad":
            self.rect(x, y, SHAPE_MM, SHAPE_MM, style="F")
        elif says == "unlike":
            corners: Iterable[tuple[float, float]] = (
                (x + SHAPE_MM / 2, y),
                (x + SHAPE_MM, y + SHAPE_MM),
                (x, y + SHAPE_MM),
            )
            self.polygon(list(corners), style="F")
        else:
            self.ellipse(x, y, SHAPE_MM, SHAPE_MM)

    def group(self, title: str, group: Group) -> None:
        if not group.cages:
            return
        self.heading(f"{title}: {len(group.cages)}")
        least = {
            "share": whole_percent(group.least),
            "known": group.least.count,
            "minutes": group.least.total,
        }
        text = _("Known for at least %(share)s (%(known)s of %(minutes)s minutes) each.")
        self.text_line(text % least, SMALL)
        for place, cages in group.by_rack():
            names = " ".join(cage.bay_name or cage.label for cage in cages)
            self.text_line(f"{place or '-'}: {names}", SMALL)


def file_name(kept: NightSheet) -> str:
    """The name of the file: the room's number and the day."""
    return f"night-{kept.room_id}-{localtime(kept.ends_at):%Y-%m-%d}.pdf"
