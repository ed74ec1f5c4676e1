"""The words of notices, in the language that is active. No secrets, and nothing said by colour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cages.drawing import words
from cages.models.state import UNSEEN_AFTER
from neurocage.address import absolute
from welfare.models import Act, Concern, Kind, Notice, Why
from welfare.models.notice import DRILL_DUE_AFTER, TOLD_LAST
from welfare.rules.words import words_of
from welfare.templatetags.welfare import facts_in_words, lasting_of, subject_words

PREFIX = "[Neurocage]"
# A message lists so many concerns; the desk has them all.
LISTED = 20
LONGEST_SUBJECT = 200
# A message that is written so soon has the figures of the raising as those of now.
AS_RAISED = timedelta(minutes=15)


def write(
    concerns: Sequence[Concern], why: Why, now: datetime, after: Act | None = None
) -> tuple[str, str]:
    """(subject, text) of a message about these concerns, the main one first. after: see `Due`."""
    first = concerns[0]
    is_one_cause = len(concerns) == 1 or first.kind == Kind.PLACE_SILENT
    told = line(first, now) if is_one_cause else _many(concerns)
    if first.needs_finding and not first.lasts and why not in TOLD_LAST:
        told = _("%s; over now, finding due") % told
    words_of_turn: dict[Act | None, str] = {
        Act.UNACKNOWLEDGED: _("The acknowledgement has ended: %s"),
        Act.LAPSED: _("Recheck not done: %s"),
    }
    words_of_why = {
        Why.RAISED: "%s",
        Why.ESCALATED: words_of_turn.get(after, _("Nobody has acknowledged: %s")),
        Why.BY_EYE: _("To be checked by eye: %s"),
        Why.REMINDER: _("Reminder: %s"),
        Why.RECHECK: _("Recheck not done: %s"),
        Why.OVER: _("Over: %s"),
        Why.WITHDRAWN: _("Withdrawn: %s"),
        Why.NOT_WATCHED: _("Not watched any more: %s"),
    }
    place = room_name(first) if is_one_cause else ""
    said = words_of_why.get(why, "%s") % told
    drill = f" [{_('Drill')}]" if first.is_drill else ""
    subject = f"{PREFIX}{drill} {said}" + (f" · {place}" if place else "")
    return _one_line(subject)[:LONGEST_SUBJECT], _body(concerns, why, now, said)


def line(concern: Concern, now: datetime) -> str:
    """What is known of one concern: "B-07 Bad for 34 min (26 of 27 known)"."""
    told = {
        "subject": subject_words(concern),
        "duration": lasting_of(concern, now),
        "since": _clock(concern.since),
        **concern.facts,
    }
    if concern.is_drill:
        return _("%(subject)s: this is a test, no animal is concerned") % told
    held_since = concern.held_since if concern.lasts else None
    is_new = concern.lasts and not held_since and now - concern.raised_slot <= AS_RAISED
    if concern.kind == Kind.BAD_LONG and concern.facts.get("known"):
        is_bad = _("%(subject)s Bad for %(duration)s")
        text = is_bad if concern.lasts else _("%(subject)s was Bad for %(duration)s")
        figures = _("%(bad)s of %(known)s known")
        if not is_new:
            figures = _("when it was raised: %(bad)s of %(known)s known")
        said = f"{text % told} ({figures % told})"
    elif concern.kind == Kind.UNSEEN:
        said = _("%(subject)s unseen for %(duration)s") % told
    elif concern.kind == Kind.PLACE_SILENT and concern.facts.get("cages") and is_new:
        said = _("%(subject)s: %(silent)s of %(cages)s silent since %(since)s") % told
    elif concern.kind == Kind.PLACE_SILENT and concern.facts.get("cages"):
        text = _(
            "%(subject)s silent for %(duration)s (when it was raised: %(silent)s of %(cages)s)"
        )
        said = text % told
    else:
        told["kind"] = concern.get_kind_display()
        said = _("%(subject)s: %(kind)s, for %(duration)s") % told
    if held_since is None:
        return said
    held = {"said": said, "at": _clock(held_since, with_day=True)}
    return _("%(said)s; unseen since %(at)s, not known whether it lasts") % held


def room_name(concern: Concern) -> str:
    """The room that it is in, for the end of a subject; "" for a room itself, or for none."""
    if concern.cage:
        return concern.cage.room_name
    room = concern.rack.room if concern.rack else None
    return room.name if room else ""


def _many(concerns: Sequence[Concern]) -> str:
    count = len(concerns)
    kind = concerns[0].get_kind_display()
    if concerns[0].cage_id:
        text = ngettext("%(count)s cage: %(kind)s", "%(count)s cages: %(kind)s", count)
    else:
        text = ngettext("%(count)s concern: %(kind)s", "%(count)s concerns: %(kind)s", count)
    return text % {"count": words.whole(count), "kind": kind}


def _body(concerns: Sequence[Concern], why: Why, now: datetime, said: str) -> str:
    first, parts = concerns[0], []
    if first.is_drill:
        parts.append(_("This is a drill. It tests whether messages arrive. Acknowledge it."))
    parts.append(said + ".")
    edition, own = first.edition, words_of(Kind(first.kind))
    if why == Why.WITHDRAWN:
        parts.append(_("Results that arrived late show that it was not so."))
    elif why == Why.NOT_WATCHED:
        parts.append(_("Nobody looks for it any more, so it is not known whether it is over."))
        parts.append(_("The cage was paused or archived, or the rule was switched off."))
    elif why != Why.OVER and not first.is_drill:
        if first.subject == "everything":
            parts.append(_("The cause is probably between Neurocage and the sensors."))
        parts += [
            str((edition and edition.cause) or own.cause),
            str((edition and edition.consequence) or own.consequence),
            _("What to check: %s") % ((edition and edition.what_to_check) or own.what_to_check),
        ]
    if first.needs_finding and not first.lasts:
        parts.append(_("A person still has to say what was found."))
    listed = [_entry(concern, now) for concern in concerns[:LISTED]]
    if len(concerns) > LISTED:
        more = len(concerns) - LISTED
        text = _("and %(more)s more: %(link)s")
        listed.append(text % {"more": words.whole(more), "link": absolute(reverse("concern-list"))})
    parts.append("\n\n".join(listed))
    written = {"time": _clock(now, with_day=True), "zone": settings.FACILITY_TIME_ZONE}
    parts.append(_("Written at %(time)s (%(zone)s).") % written)
    parts.append(absolute(reverse("notice-list")))
    return "\n\n".join(parts)


def _entry(concern: Concern, now: datetime) -> str:
    """One concern of the list: what is known, and where to look."""
    lines = [f"- {line(concern, now)}"]
    if facts := facts_in_words(concern):
        lines.append("  " + _("When it was raised: %s") % facts)
    if concern.kind == Kind.UNSEEN:
        least = {"least": words.in_words(UNSEEN_AFTER)}
        lines.append("  " + _("Unseen: no reading for %(least)s or more.") % least)
    if concern.needs_eye:
        lines.append("  " + _("Nothing has been read for long. Look at the animals by eye."))
    if concern.is_acknowledged(now) and concern.acknowledged_by:
        who = {"who": concern.acknowledged_by.get_username()}
        lines.append("  " + _("Acknowledged by %(who)s.") % who)
    lines.append("  " + _("Concern: %s") % absolute(concern.get_absolute_url()))
    if concern.cage_id:
        at = f"{timezone.localtime(concern.raised_slot):%Y-%m-%dT%H:%M}"
        address = f"{reverse('cage-detail', args=[concern.cage_id])}?at={at}"
        lines.append("  " + _("The cage at that minute: %s") % absolute(address))
    return "\n".join(lines)


# The name and the content of a PDF file that goes with a mail.
File = tuple[str, bytes]


def mail(
    notice: Notice | None,
    address: str,
    subject: str,
    text: str,
    may_repeat: bool,
    file: File | None = None,
) -> str:
    """A whole mail as text. Its Message-ID is that of the notice, so a repeat has the same."""
    message = EmailMessage()
    message["From"] = settings.EMAIL_SENDER
    message["To"] = address
    message["Subject"] = _one_line(subject)
    if notice:
        message["Date"] = format_datetime(notice.made_at)
        message["Message-ID"] = f"<notice-{notice.pk}@{_host()}>"
    # So that no absence note answers it.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(repeated(text) if may_repeat else text)
    if file:
        name, content = file
        message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return message.as_string()


def repeated(text: str) -> str:
    return _("This may be a repeat: it is not known whether it was sent before.") + "\n\n" + text


def _host() -> str:
    return settings.EMAIL_SENDER.rpartition("@")[2].strip(" >") or "neurocage"


def _clock(moment: datetime, *, with_day: bool = False) -> str:
    local = timezone.localtime(moment)
    return f"{local:%Y-%m-%d %H:%M}" if with_day else f"{local:%H:%M}"


def _one_line(text: str) -> str:
    """A header has one line, whatever a label holds."""
    return " ".join(text.split())


def night_sheet(room: str, day: str, said: int, cages: int, address: str) -> tuple[str, str]:
    """(subject, text) of the mail with a night sheet, in the language that is active."""
    told = {"room": room, "day": day, "said": said, "cages": cages}
    subject = _("Night sheet of %(day)s: %(said)d of %(cages)d cages · %(room)s") % told
    text = _("%(said)d of %(cages)d cages have something to say. The sheet is attached.") % told
    return f"{PREFIX} {subject}", f"{text}\n\n{absolute(address)}"


def drill_is_due(language: str) -> tuple[str, str]:
    """(subject, text) of the reminder that a drill is due."""
    with translation.override(language or settings.LANGUAGE_CODE):
        told = {"days": DRILL_DUE_AFTER.days}
        text = _("The last drill was more than %(days)s days ago, or there was none.") % told
        more = _("Start one here, and look whether it arrives and who acknowledges it: %s")
        subject = f"{PREFIX} {_('A drill is due')}"
        return subject, f"{text}\n\n{more % absolute(reverse('notice-drill'))}"
