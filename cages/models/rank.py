"""The rank of cages as a column, for sorting and counting in the database."""

from datetime import datetime

from django.db.models import Case, Q, SmallIntegerField, When

from cages.models.poll import Health
from cages.models.state import UNSEEN_AFTER, Rank


def rank_at(now: datetime) -> Case:
    """The Rank of active cages at `now`, as `rank_of` finds it in Python."""
    seen = Q(state__reading_slot__gt=now - UNSEEN_AFTER)
    was = {health: Q(state__status=health) for health in Health}
    new = Q(state__reading_slot=None, created_at__gt=now - UNSEEN_AFTER)
    return Case(
        When(is_polled=False, then=Rank.PAUSED),
        *(When(seen & was[health], then=Rank[health.name]) for health in Health),
        When(new, then=Rank.WAITING),
        When(was[Health.BAD], then=Rank.UNSEEN_BAD),
        default=Rank.UNSEEN,
        output_field=SmallIntegerField(),
    )
