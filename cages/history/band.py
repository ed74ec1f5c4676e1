"""The band that a sensor's share of answers is expected in, so that chance alarms nobody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from django.db.models import Sum

from cages.history.summaries import Share
from cages.history.window import HOUR, Window
from cages.models import Cage, Outcome, PollHourly

BASELINE = timedelta(days=7)
# A share of fewer requests says little, of the baseline and of today.
ENOUGH_BASELINE, ENOUGH_TODAY = 1000, 30
# 3 standard deviations: by chance one cage in 370 is outside.
SIGMAS = 3


@dataclass(frozen=True, slots=True)
class Band:
    """From `low` to `high` percent."""

    low: float
    high: float

    def place_of(self, share: Share) -> str:
        """Where a Share of at least one request lies: "below", "within" or "above"."""
        percent = share.percent or 0
        if percent < self.low:
            return "below"
        return "above" if percent > self.high else "within"


def band_around(baseline: float, requests: int) -> Band:
    """The Band where each of the requests is answered with the probability `baseline` (0-1)."""
    reach = SIGMAS * sqrt(baseline * (1 - baseline) / requests)
    return Band(100 * max(baseline - reach, 0), 100 * min(baseline + reach, 1))


def since_hour(moment: datetime) -> datetime:
    """The first full UTC hour from the moment on."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return hour if hour == moment else hour + HOUR


def expected(
    cage: Cage, window: Window, requests: int, since: datetime | None = None
) -> Band | None:
    """The Band for this number of requests in the window, or None where too little is known.

    It lies around the share that this sensor answered in the BASELINE before. since: when the
    sensor was swapped, or None. What another one answered says nothing about this one. One query.
    """
    if requests < ENOUGH_TODAY or (since and since >= window.start):
        return None
    # Full UTC hours: in some time zones the day begins within one.
    end = window.start.replace(minute=0)
    start = max(end - BASELINE, since_hour(since)) if since else end - BASELINE
    hours = PollHourly.objects.within([cage.pk], start, end)
    sums = hours.aggregate(
        **{o.word: Sum(o.word, default=0) for o in Outcome if o != Outcome.SKIPPED}
    )
    asked = sum(sums.values())
    if asked < ENOUGH_BASELINE:
        return None
    return band_around(sums[Outcome.ANSWERED.word] / int(asked), requests)
