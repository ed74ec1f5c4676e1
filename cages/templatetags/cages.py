"""How states, ages and figures are put into words and shapes, the same on every page."""

from collections import Counter
from datetime import timedelta
from urllib.parse import urlencode

import segno
from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.drawing import strips
from cages.history.today import Share
from cages.models import Condition, Health
from cages.models.state import HEALTH_CONDITIONS
from cages.slots import SLOT_LENGTH

register = template.Library()

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
def qr_code(text):
    """The text as a QR code, with the quiet zone that cameras need around it."""
    code = segno.make(text, error="m", micro=False)
    return mark_safe(code.svg_inline(border=4, omitsize=True, light="#fff", lineclass=None))  # noqa: S308


def _svg(inner, css):
    return format_html(
        '<svg class="shape {}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{}</svg>',
        css,
        mark_safe(inner),  # noqa: S308  (our own constants)
    )


@register.simple_tag
def shape(condition):
    """The shape of a condition. The word always stands beside it."""
    return _svg(SHAPES[Condition(condition)], f"is-{condition}")


@register.simple_tag
def unknown_shape():
    return _svg(SHAPES[Condition.WAITING], "is-unknown")


@register.simple_tag
def clock():
    return _svg(CLOCK, "is-late")


@register.inclusion_tag("cages/_condition.html")
def condition(cage, now):
    """Shape and word of a cage's condition."""
    return {"condition": cage.condition(now)}


@register.inclusion_tag("cages/_condition.html")
def health(status):
    """Shape and word of one known health value."""
    return {"condition": HEALTH_CONDITIONS[Health(status)]}


@register.inclusion_tag("cages/_age.html")
def reading_age(cage, now):
    """How old the last known health is, in words; says so where it is late or was never known."""
    state = cage.known_state
    age = state.age(now) if state else None
    shown = cage.condition(now)
    return {
        "age": age,
        "slot": state.reading_slot if state else None,
        "late": cage.is_late(now),
        # Where the condition is not the health itself, the last known health is said beside it.
        "last_known": state.get_status_display()
        if age is not None and shown not in HEALTH_CONDITIONS.values()
        else "",
    }


@register.inclusion_tag("cages/_strip.html")
def strip(minutes, title):
    """The minutes (`minutes_of`) as bars; `title` and what they show are its text."""
    return {
        "paths": strips.paths_of(minutes),
        "width": len(minutes),
        "label": f"{title}: {strips.in_words(minutes)}",
    }


@register.inclusion_tag("cages/_strip.html")
def day_strip(minutes, start, title, at=None):
    """The minutes since `start`, facility midnight, on the whole day's width; perhaps with a mark.

    at: the moment to be marked.
    """
    width, ticks = strips.ticks_of(start)
    number = (at - start) // SLOT_LENGTH if at else -1
    mark = round(100 * (number + 0.5) / width, 2) if 0 <= number < width else None
    return {**strip(minutes, title), "width": width, "ticks": ticks, "mark": mark}


@register.inclusion_tag("cages/_strip.html")
def window_strip(minutes, window, title):
    """The minutes of a Window that is no single day, with its hours or days below."""
    return {**strip(minutes, title), "ticks": strips.ticks_within(window)}


@register.inclusion_tag("cages/_stack.html")
def day_stack(days, is_double=False):
    """[(date, Window, minutes)] under each other, one or two days a row, on one scale.

    The hours below are those of a day on which the clock is not set.
    """
    day_width = max(24 * 60, *(part.minutes for _day, part, _minutes in days))
    rows = [
        {
            "day": day,
            "hours": "" if part.minutes % 60 or part.minutes == 24 * 60 else part.minutes // 60,
            "paths": strips.paths_of(minutes),
            "label": f"{day:%Y-%m-%d}: {strips.in_words(minutes)}",
        }
        for day, part, minutes in days
    ]
    # The day that is not over yet has no length to speak of.
    rows[-1]["hours"] = ""
    if is_double:
        for row, (_day, part, _minutes), after in zip(rows, days, rows[1:], strict=False):
            row |= {"next": after["day"], "next_at": part.minutes}
    width = day_width * (2 if is_double else 1)
    hours = range(0, 48 if is_double else 24, strips.HOURS_BETWEEN_TICKS)
    ticks = [strips.Tick(round(6000 * hour / width, 2), f"{hour % 24:02}") for hour in hours]
    return {"rows": rows, "width": width, "ticks": ticks}


@register.inclusion_tag("cages/_bars.html")
def share_bars(buckets, window, title):
    """The shares of each Bucket as a stacked bar; what they show together is its text."""
    known = Counter()
    for bucket in buckets:
        known.update(bucket.health.by_status)
    words = ", ".join(f"{known[status]} {status.label}" for status in reversed(Health))
    return {
        "paths": strips.bars_of(buckets),
        "width": max(window.minutes, 1),
        "ticks": strips.ticks_within(window),
        "label": f"{title}: {words}",
    }


@register.simple_tag
def at_address(cage, start, number):
    """The address of the minute so many minutes after `start`, in its context."""
    moment = timezone.localtime(start + number * SLOT_LENGTH)
    return f"{cage.get_absolute_url()}?{urlencode({'at': f'{moment:%Y-%m-%dT%H:%M%z}'})}"


@register.filter
def known_share(health_summary):
    """Coverage: the Share of the minutes elapsed that is known."""
    return Share(health_summary.known, health_summary.minutes)


@register.filter
def spell_length(spell):
    """How long a Spell has lasted, in words."""
    return in_words(spell.minutes * SLOT_LENGTH)


@register.filter
def minutes_after(start, number):
    """The moment so many minutes after another."""
    return start + number * SLOT_LENGTH


@register.filter
def in_words(duration):
    """A timedelta as people say it: "20 s", "34 min", "2 h 5 min", "3 d 4 h"."""
    if duration is None:
        return ""
    seconds = max(int(duration / timedelta(seconds=1)), 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


@register.filter
def since(moment, now):
    """The time from `moment` to `now` in words, or nothing without a moment."""
    return in_words(now - moment) if moment else ""


@register.filter
def day_and_time(moment, now):
    """The facility's "07:01" for a moment of today, "2026-03-01 07:01" for one of another day."""
    moment, now = timezone.localtime(moment), timezone.localtime(now)
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M}"


def _one_decimal(number):
    # Rounded first: number_format cuts off.
    return formats.number_format(f"{number:.1f}", 1)


@register.filter
def ms_as_seconds(milliseconds):
    """1234 as "1.2 s"; a dash where there is none."""
    return "–" if milliseconds is None else f"{_one_decimal(milliseconds / 1000)} s"


@register.filter
def percent(share):
    """A Share as "75.2 %"; a dash where there is nothing to have a share of."""
    return "–" if share.percent is None else f"{_one_decimal(share.percent)} %"


@register.filter
def whole_percent(share):
    """A Share as "76 %"; a dash where there is nothing to have a share of."""
    return "–" if share.percent is None else f"{share.percent:.0f} %"


@register.inclusion_tag("cages/_pages.html", takes_context=True)
def pages(context, page, parameter="page", anchor=""):
    """Links to the pages of a list; all else in the address stays. Nothing where one page is all.

    parameter: the page's name in the address; anchor: the id of the place to return to.
    """
    query = context["request"].GET

    def href(number):
        changed = query.copy()
        changed[parameter] = number
        return f"?{changed.urlencode()}{'#' + anchor if anchor else ''}"

    elided = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    numbers = [
        {"text": number, "current": number == page.number, "href": href(number)}
        if isinstance(number, int)
        else {"text": number, "current": False, "href": ""}
        for number in elided
    ]
    return {
        "page": page,
        "numbers": numbers,
        "previous": href(page.previous_page_number()) if page.has_previous() else "",
        "next": href(page.next_page_number()) if page.has_next() else "",
        "label": _("Pages of %s") % PAGED.get(anchor, anchor),
    }
