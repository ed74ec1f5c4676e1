"""The band that a sensor's share of answers is expected in, so that chance alarms nobody."""

from dataclasses import dataclass
from datetime import timedelta
from math import sqrt

from django.db.models import Sum

from cages.models import Outcome, PollHourly

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

    def place_of(self, share):
        """ "below", "within" or "above" for a Share of answers."""
        if share.percent < self.low:
            return "below"
        return "above" if share.percent > self.high else "within"


def band_around(baseline, requests):
    """The Band of so many requests, of which each is answered with the chance `baseline` (0-1)."""
    reach = SIGMAS * sqrt(baseline * (1 - baseline) / requests)
    return Band(100 * max(baseline - reach, 0), 100 * min(baseline + reach, 1))


def expected(cage, window, requests):
    """The Band for so many requests in the window, or None where too little is known; one query.

    Around what this very sensor did in the 7 days before the window.
    """
    if requests < ENOUGH_TODAY:
        return None
    hours = PollHourly.objects.filter(
        cage=cage, bucket__gte=window.start - BASELINE, bucket__lt=window.start
    )
    sums = hours.aggregate(
        **{o.word: Sum(o.word, default=0) for o in Outcome if o != Outcome.SKIPPED}
    )
    asked = sum(sums.values())
    if asked < ENOUGH_BASELINE:
        return None
    return band_around(sums[Outcome.ANSWERED.word] / int(asked), requests)
