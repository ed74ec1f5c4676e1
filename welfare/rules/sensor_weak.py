"""The rule "Sensor weak": a sensor that answers less often, or more slowly, than it used to."""

from dataclasses import dataclass
from math import sqrt

from welfare.rules import facts
from welfare.rules.parameters import SensorWeak

# A drop of less than this is within the band of a sensor that hardly ever fails, too.
LEAST_DROP = 0.02
# It is over when not even this part of the allowed difference is left.
OVER_PART = 0.5


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of one sensor in a span: how many were answered, and 95 % of them within ms."""

    answered: int
    count: int
    p95_ms: float | None


def verdict(now: Requests, usual: Requests, parameters: SensorWeak) -> bool | None:
    """True where the sensor is weak, False where it is not, None where it stays as it was.

    now: the last `hours`; usual: the days before. None as well where there are too few requests.
    """
    if not has_enough(now, usual, parameters):
        return None
    drop, deviation = _drop(now, usual)
    allowed = max(parameters.sigmas * deviation, LEAST_DROP)
    slower = now.p95_ms / usual.p95_ms - 1 if now.p95_ms and usual.p95_ms else 0.0
    if drop > allowed or slower > parameters.times - 1:
        return True
    is_well = drop < OVER_PART * allowed and slower < OVER_PART * (parameters.times - 1)
    return False if is_well else None


def has_enough(now: Requests, usual: Requests, parameters: SensorWeak) -> bool:
    """Whether there are enough requests in both spans to tell anything."""
    return min(now.count, usual.count) >= parameters.least_requests


def below(now: Requests, usual: Requests) -> float:
    """By how many standard deviations the share is under the sensor's own usual share.

    Negative where it is above. Both need requests.
    """
    drop, deviation = _drop(now, usual)
    return drop / deviation


def _drop(now: Requests, usual: Requests) -> tuple[float, float]:
    """(usual share - share, the standard deviation of that difference)."""
    # One more of each, so that a sensor that has never failed is allowed to fail once.
    usual_share = (usual.answered + 1) / (usual.count + 2)
    # Both shares are counted from requests, so both differ from the true ones by chance.
    deviation = sqrt(usual_share * (1 - usual_share) * (1 / now.count + 1 / usual.count))
    return usual_share - now.answered / now.count, deviation


def facts_of(now: Requests, usual: Requests, parameters: SensorWeak) -> facts.Facts:
    """The figures at the raising."""
    percent = 100 * usual.answered / usual.count
    return facts.sensor(
        now.answered, now.count, parameters.hours, percent, now.p95_ms, usual.p95_ms
    )
