"""What the charts are told: plain lists, so that a page carries little and a script draws it."""

from django.conf import settings
from django.utils.translation import gettext as _


def shares(buckets, by_hour):
    """Minutes of each bucket by what is known of them."""
    healths = [bucket.health for bucket in buckets]
    return {
        **_axis(buckets, by_hour),
        "kind": "shares",
        "minutes": [health.minutes for health in healths],
        "series": [
            ["perfect", _("Perfect"), [health.shares[0].count for health in healths]],
            ["ok", _("Ok"), [health.shares[1].count for health in healths]],
            ["bad", _("Bad"), [health.shares[2].count for health in healths]],
            ["none", _("no answer"), [health.unanswered for health in healths]],
            ["off", _("not watched"), [health.not_watched for health in healths]],
        ],
    }


def latencies(buckets, by_hour):
    """Response times of each bucket in ms; None where nothing was answered."""
    told = [bucket.sensor.whole_latencies_ms for bucket in buckets]
    return {
        **_axis(buckets, by_hour),
        "kind": "latencies",
        "series": [
            ["p50", "p50", [latency[0] for latency in told]],
            ["p95", "p95", [latency[1] for latency in told]],
            ["max", _("max"), [latency[2] for latency in told]],
        ],
    }


def _axis(buckets, by_hour):
    return {
        "zone": settings.FACILITY_TIME_ZONE,
        "step": "hour" if by_hour else "day",
        "starts": [int(bucket.window.start.timestamp()) for bucket in buckets],
        "ends": [int(bucket.window.end.timestamp()) for bucket in buckets],
    }
