"""How states, ages and figures are put into words and shapes, the same on every page."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import segno
from django import template
from django.core.paginator import Page
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.drawing import light, pins, stacks, strips, words
from cages.history.buckets import Bucket, total_of
from cages.history.light import LightRun
from cages.history.summaries import HealthSummary, Share
from cages.history.window import Window, midnight_of
from cages.models import Cage, Condition, Health
from cages.models.state import HEALTH_CONDITIONS, HOUR_MINUTES
from cages.places.overview import BadSince
from cages.slots import SLOT_LENGTH, is_ahead, slot_of

register = template.Library()
# What a partial is given.
Context = dict[str, Any]

CLOCK = '<path class="line" d="M8 1.4a6.6 6.6 0 1 0 0 13.2A6.6 6.6 0 1 0 8 1.4M8 4.4V8l2.6 1.8"/>'
# Each state has a shape of its own, so that it is known without colour. Drawn in a box of 16 by 16.
SHAPES = {
    Condition.BAD: '<rect x="2" y="2" width="12" height="12" rx="1"/>',
    Condition.OK: '<path d="M8 .8 15.2 8 8 15.2.8 8z"/>',
    Condition.PERFECT: '<circle cx="8" cy="8" r="6.6"/>',
    Condition.UNSEEN: CLOCK,
    Condition.WAITING: '<circle class="line dashed" cx="8" cy="8" r="6.4"/>',
    Condition.PAUSED: '<path d="M3 2h3.6v12H3zM9.4 2H13v12H9.4z"/>',
    Condition.ARCHIVED: '<path class="line" d="M2 3h12v3H2zM3 6v7.4h10V6M6.4 9h3.2"/>',
}

# What `pages` turns the pages of, by the id of its place.
PAGED = {
    "": gettext_lazy("the list"),
    "readings": gettext_lazy("readings"),
    "requests": gettext_lazy("requests"),
}


@register.simple_tag
def qr_code(text: str) -> SafeString:
    """The text as a QR code, with the quiet zone that cameras need around it."""
    code = segno.make(text, error="m", micro=False)
    return mark_safe(code.svg_inline(border=4, omitsize=True, light="#fff", lineclass=None))  # noqa: S308


def _svg(inner: str, css: str) -> SafeString:
    return format_html(
        '<svg class="shape {}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{}</svg>',
        css,
        mark_safe(inner),  # noqa: S308  (our own constants)
    )


@register.simple_tag
def shape(condition: str) -> SafeString:
    """The shape of a condition. The word always stands beside it."""
    return _svg(SHAPES[Condition(condition)], f"is-{condition}")


@register.simple_tag
def unknown_shape() -> SafeString:
    return _svg(SHAPES[Condition.WAITING], "is-unknown")


@register.simple_tag
def clock() -> SafeString:
    return _svg(CLOCK, "is-late")


@register.inclusion_tag("cages/_condition.html")
def condition(cage: Cage, now: datetime) -> Context:
    """Shape and word of a cage's condition."""
    return {"condition": cage.condition(now)}


@register.inclusion_tag("cages/_condition.html")
def health(status: int) -> Context:
    """Shape and word of one known health value."""
    return {"condition": HEALTH_CONDITIONS[Health(status)]}


@register.inclusion_tag("cages/_age.html")
def reading_age(cage: Cage, now: datetime) -> Context:
    """How old the last known health is, in words; says so where it is late or was never known."""
    state = cage.known_state
    return {
        "age": state.age(now) if state else None,
        "slot": state.reading_slot if state else None,
        "late": cage.is_late(now),
        "last_known": last_known_of(cage, now),
    }


def last_known_of(cage: Cage, now: datetime) -> str:
    """The last known health in a word; "" where the condition says it already."""
    state = cage.known_state
    is_shown = cage.condition(now) in HEALTH_CONDITIONS.values()
    return "" if is_shown or state is None or state.status is None else state.get_status_display()


@register.inclusion_tag("cages/_last_known.html")
def last_known(cage: Cage, now: datetime) -> Context:
    """What stands before the time of a reading that is not of now."""
    return {"late": cage.is_late(now), "last_known": last_known_of(cage, now)}


@register.inclusion_tag("cages/racks/_lasting.html")
def lasting(cage: Cage, now: datetime) -> Context:
    """For how long a cage has been Bad, in short; nothing where it is not Bad."""
    spell = cage.spell(now)
    if not spell or spell.status != Health.BAD:
        return {}
    return {"duration": words.briefly(spell.duration), "is_known": spell.begins_known}


@register.inclusion_tag("cages/racks/_lasting.html")
def bad_since(since: BadSince | None, now: datetime) -> Context:
    """For how long the first of several cages has been Bad; nothing where none is."""
    if since is None:
        return {}
    return {"duration": words.briefly(now - since.moment), "is_known": since.is_known}


@register.inclusion_tag("cages/_age.html")
def read_ago(cage: Cage, now: datetime) -> Context:
    """The age of the last reading, as `reading_age`, in the words of racks and the wall."""
    return {**reading_age(cage, now), "is_read": True}


@register.simple_tag
def bad_for(cage: Cage, now: datetime, is_brief: bool = False) -> str:
    """For how long a cage has been Bad, and how much of that is known; "" where it is not Bad.

    is_brief: for one line of a list.
    """
    lasting = cage.spell(now)
    if not lasting or lasting.status != Health.BAD:
        return ""
    told = words.spell_in_brief(lasting) if is_brief else words.spell_in_words(lasting)
    return _("for %(duration)s") % {"duration": told}


def _strip(
    minutes: bytes,
    title: str,
    width: int,
    begin: datetime | None,
    start: int,
    runs: Sequence[LightRun] = (),
    marks: Sequence[pins.Numbered] = (),
) -> Context:
    """begin: the slot at the left edge of the strip; start: where on it the first minute is.

    runs, marks: the light and the marks of a cage. They may reach beyond the strip.
    """
    end = start + len(minutes)
    shade = light.shade_of(runs, begin, 0, width) if begin else None
    top = light.BAND_HEIGHT if shade else 0
    return {
        "paths": strips.paths_of(minutes, start),
        "width": width,
        "top": -top,
        "height": strips.HEIGHT + top,
        "shade": shade,
        "pins": pins.pins_of(marks, begin, 0, width, max(width, 1)) if begin else [],
        "begin": begin,
        "end": end,
        "first": start,
        "label": f"{title}: {words.minutes_in_words(minutes)}",
    }


@register.inclusion_tag("cages/_strip.html")
def strip(minutes: bytes, title: str) -> Context:
    """The minutes (`minutes_of`) as bars; `title` and what they show are its text."""
    return _strip(minutes, title, len(minutes), None, 0)


@register.inclusion_tag("cages/_strip.html")
def hour_strip(
    minutes: bytes,
    title: str,
    now: datetime,
    runs: Sequence[LightRun] = (),
    marks: Sequence[pins.Numbered] = (),
) -> Context:
    """The last minutes of an hour, at the end of its width: a newer cage has fewer."""
    begin = slot_of(now) - HOUR_MINUTES * SLOT_LENGTH
    start = HOUR_MINUTES - len(minutes)
    return _strip(minutes, title, HOUR_MINUTES, begin, start, runs, marks)


@register.inclusion_tag("cages/_strip.html")
def day_strip(
    minutes: bytes,
    start: datetime,
    title: date,
    at: datetime | None = None,
    runs: Sequence[LightRun] = (),
    marks: Sequence[pins.Numbered] = (),
) -> Context:
    """The minutes since the slot `start` on the whole width of its facility day.

    at: a moment to be marked, or None.
    """
    width, ticks = strips.ticks_of(start)
    midnight = midnight_of(timezone.localtime(start).date(), timezone.get_default_timezone())
    number = (at - midnight) // SLOT_LENGTH if at else -1
    mark = round(100 * (number + 0.5) / width, 2) if 0 <= number < width else None
    first = (start - midnight) // SLOT_LENGTH
    drawn = _strip(minutes, str(title), width, midnight, first, runs, marks)
    return {**drawn, "ticks": ticks, "mark": mark}


@register.inclusion_tag("cages/_strip.html")
def window_strip(
    minutes: bytes,
    window: Window,
    title: str,
    runs: Sequence[LightRun] = (),
    marks: Sequence[pins.Numbered] = (),
) -> Context:
    """The last minutes of a Window that is no single day, with its hours or days below."""
    drawn = window_minutes(minutes, window, title, runs, marks)
    return {**drawn, "ticks": strips.ticks_within(window)}


@register.inclusion_tag("cages/_strip.html")
def window_minutes(
    minutes: bytes,
    window: Window,
    title: str,
    runs: Sequence[LightRun] = (),
    marks: Sequence[pins.Numbered] = (),
) -> Context:
    """The last minutes of a Window, on its width: a newer cage has fewer."""
    start = window.minutes - len(minutes)
    return _strip(minutes, title, window.minutes, window.start, start, runs, marks)


@register.inclusion_tag("cages/_stack.html")
def day_stack(stack: stacks.Stack, kept: str = "") -> Context:
    """Days under each other. kept: other parameters of the URL, for the links to one day."""
    return {"stack": stack, "kept": kept}


@register.inclusion_tag("cages/_bars.html")
def share_bars(
    buckets: list[Bucket], window: Window, title: str, runs: Sequence[LightRun] = ()
) -> Context:
    """The shares of each Bucket as a stacked bar; what they show together is its text."""
    left = (buckets[0].window.start - window.start) // SLOT_LENGTH if buckets else 0
    shown = window.since(buckets[0].window.start) if buckets else window
    told = words.health_in_words(total_of(buckets, shown).health)
    return {
        "paths": strips.bars_of(buckets, width := max(window.minutes, 1), left),
        "width": width,
        "shade": light.shade_of(runs, window.start, 0, width),
        "ticks": strips.ticks_within(window),
        "label": f"{title}: {told}",
    }


@register.filter
def known_share(health_summary: HealthSummary) -> Share:
    """Coverage: the Share of the minutes elapsed that is known."""
    return Share(health_summary.known, health_summary.minutes)


@register.filter
def since(moment: datetime | None, now: datetime) -> str:
    """The time from `moment` to `now` in words; "" without a moment."""
    return words.in_words(now - moment) if moment else ""


@register.filter
def is_ahead_of(moment: datetime, now: datetime) -> bool:
    """Whether a moment is ahead of now, so that it has no age."""
    return is_ahead(moment, now)


register.filter(words.in_words)
register.filter(words.date_and_time)
register.filter(words.day_and_time)
register.filter(words.ms_as_seconds)
register.filter(words.percent)
register.filter(words.percent_and_count)
register.filter(words.percent_bound)
register.filter(words.time_of_day)
register.filter(words.whole_percent)
register.simple_tag(words.spell_in_words, name="spell")
register.simple_tag(pins.in_words, name="mark_words")


@register.simple_tag
def minute_address(cage: Cage, slot: datetime) -> str:
    """The address of the minute, in its context."""
    moment = timezone.localtime(slot)
    return f"{cage.get_absolute_url()}?{urlencode({'at': f'{moment:%Y-%m-%dT%H:%M%z}'})}"


@register.inclusion_tag("cages/_pages.html", takes_context=True)
def pages(
    context: template.Context, page: Page[Any], parameter: str = "page", anchor: str = ""
) -> Context:
    """Links to the pages of a list. The rest of the URL stays. Nothing where one page is all.

    parameter: the page's name in the URL; anchor: the id of the place to return to.
    """
    query = context["request"].GET

    def href(number: int) -> str:
        changed = query.copy()
        changed[parameter] = str(number)
        return f"?{changed.urlencode()}{'#' + anchor if anchor else ''}"

    elided = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    numbers = [
        {
            "text": text,
            "current": text == page.number,
            "href": href(text) if isinstance(text, int) else "",
        }
        for text in elided
    ]
    return {
        "page": page,
        "numbers": numbers,
        "previous": href(page.previous_page_number()) if page.has_previous() else "",
        "next": href(page.next_page_number()) if page.has_next() else "",
        "label": _("Pages of %s") % PAGED.get(anchor, anchor),
    }
