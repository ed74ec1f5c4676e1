"""How concerns are put into words and shapes, the same on every page."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils.dates import WEEKDAYS
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.clock import now_of
from cages.drawing import words
from cages.history.summaries import Share
from cages.models import Cage
from people.access import Access
from people.models import User
from welfare.marks import Marks, marks_of
from welfare.models import Act, Concern, Ending, Finding, Kind, Life, Notice, TrailEntry

register = template.Library()
Context = dict[str, Any]

TRIANGLE = "M8 1.5 15 14H1z"
# Each Life has a shape of its own, so that it is known without colour. Drawn in a box of 16 by 16.
SHAPES = {
    Life.NEW: f'<path d="{TRIANGLE}"/><path class="cut" d="M8 6v4M8 11.4v1.4"/>',
    Life.TAKEN: f'<path class="line" d="{TRIANGLE}"/><path class="line" d="M8 6v4M8 11.2v1.2"/>',
    Life.PLANNED: f'<path class="line" d="{TRIANGLE}"/><path class="line" d="M8 6.2v4l2 1.4"/>',
    Life.OVER: f'<path class="line dashed" d="{TRIANGLE}"/>',
}


@register.simple_tag(takes_context=True)
def concern_marks(context: template.Context) -> Marks:
    """The Marks of the person who asks, or of the screen. base.html asks once: one query."""
    request, access = context["request"], getattr(context.get("view"), "access", None)
    person = getattr(request, "user", None)
    if access is None and isinstance(person, User):
        access = Access(person)
    return marks_of(access, now_of(request)) if access else Marks()


@register.simple_tag
def unread_notices(person: User) -> int:
    """How many notices of the person are unread, for `welfare/_bell.html`: one query."""
    return Notice.objects.filter(recipient=person, read_at=None).count()


@register.inclusion_tag("welfare/_mark.html")
def concern_mark(marks: Marks | None, cage: Cage, is_link: bool = True) -> Context:
    """The mark of a cage's open concerns; nothing where it has none."""
    return {"mark": marks.by_cage.get(cage.pk) if marks else None, "is_link": is_link}


@register.inclusion_tag("welfare/_mark.html")
def rack_mark(marks: Marks | None, rack_id: int | None) -> Context:
    """The mark of the open concerns in a rack; nothing where it has none."""
    return {"mark": marks.by_rack.get(rack_id or 0) if marks else None, "is_link": False}


@register.simple_tag
def life_shape(life: str) -> SafeString:
    """The shape of a Life. The word always stands beside it."""
    return format_html(
        '<svg class="shape concern-shape is-{}" viewBox="0 0 16 16" aria-hidden="true" '
        'focusable="false">{}</svg>',
        life,
        mark_safe(SHAPES[Life(life)]),  # noqa: S308  (our own constants)
    )


@register.filter
def life(concern: Concern, now: datetime) -> Life:
    """How far people are with an open concern."""
    return concern.life(now)


@register.filter
def subject_in_words(concern: Concern) -> str:
    """What it is about, as people say it. A cage is told by its label, with a link beside it."""
    return subject_words(concern)


def subject_words(concern: Concern) -> str:
    if concern.cage:
        return concern.cage.label
    if concern.rack:
        return _("Rack %(name)s") % {"name": concern.rack.name}
    if concern.room:
        return _("Room %(name)s") % {"name": concern.room.name}
    if concern.subject.startswith("channel:"):
        return _("Channel %(number)s fails") % {"number": concern.subject.partition(":")[2]}
    return str(PARTS.get(concern.subject, concern.subject))


# What a concern can be about that is no cage, rack or room.
PARTS = {
    "everything": gettext_lazy("All rooms"),
    "not_started": gettext_lazy("Minutes are not started"),
    "not_finished": gettext_lazy("Minutes are not finished"),
    "behind": gettext_lazy("Neurocage is behind"),
    "clock_wrong": gettext_lazy("A clock is wrong"),
    "disk": gettext_lazy("The disk is nearly full"),
    "backup": gettext_lazy("The backup is overdue"),
    "mail": gettext_lazy("Mail fails"),
    "heartbeat": gettext_lazy("The heartbeat address does not answer"),
    "drill": gettext_lazy("Drill"),
}


@register.filter
def facts_in_words(concern: Concern) -> str:
    """What was known at the raising: "26 of 27 known readings Bad, in 30 minutes"; else ""."""
    facts = concern.facts
    if concern.kind == Kind.BAD_LONG and facts.get("known"):
        told = {"bad": facts.get("bad"), "known": facts["known"], "minutes": facts.get("minutes")}
        if told["bad"] is None:
            return ""
        if told["minutes"] is None:
            return _("%(bad)s of %(known)s known readings Bad") % told
        return _("%(bad)s of %(known)s known readings Bad, in %(minutes)s minutes") % told
    if concern.kind == Kind.PLACE_SILENT and facts.get("cages"):
        told = {"silent": facts.get("silent"), "cages": facts["cages"]}
        return _("%(silent)s of %(cages)s sensors silent") % told
    if concern.kind == Kind.UNSEEN and facts.get("unanswered"):
        return _("%(unanswered)s polls without an answer") % facts
    if concern.kind == Kind.SENSOR_WEAK and facts.get("requests"):
        words = _(
            "%(answered)s of %(requests)s polls answered in %(hours)s hours; usual: %(usual)s %%"
        )
        return words % {**facts, "usual": facts["usual_percent"]}
    return ""


@register.simple_tag
def lasting_of(concern: Concern, now: datetime) -> str:
    """For how long it has lasted, or lasted until it was over: "at least 34 min".

    While it is held, until the last reading: nothing is known of the time after.
    """
    duration = words.in_words(concern.known_until(now) - concern.since)
    if concern.is_since_known and concern.held_since is None:
        return duration
    return _("at least %(duration)s") % {"duration": duration}


@register.filter
def act_in_words(entry: TrailEntry) -> str:
    """What was done, with what: "finding: Sick", "closed with a finding"."""
    act = Act(entry.act)
    if act == Act.CLOSED and entry.text in Ending.values:
        return str(Ending(entry.text).label)
    if act == Act.FOUND and entry.finding in Finding.values:
        told = {"act": act.label, "finding": Finding(entry.finding).label}
        return _("%(act)s: %(finding)s") % told
    return str(act.label)


@register.filter
def said(entry: TrailEntry) -> str:
    """What the person wrote."""
    return "" if entry.act == Act.CLOSED else entry.text


@register.filter
def minutes_as_words(minutes: float | None) -> str:
    """A number of minutes as a duration; "–" for None."""
    return "–" if minutes is None else words.in_words(timedelta(minutes=minutes))


@register.simple_tag
def share_in_words(count: int, total: int) -> str:
    """The share in whole percent; a dash where there is nothing to have a share of."""
    return words.whole_percent(Share(count, total)) if total else "–"


@register.simple_tag
def weekday_name(number: int) -> str:
    """The name of a day of the week; 0 is Monday."""
    return str(WEEKDAYS[number])
