"""State: a cage's latest known health and since when, its last minutes, how its sensor did last."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Q, When
from django.utils.translation import gettext_lazy as _

from cages.models.minute import KNOWN, Minute, Spell
from cages.models.poll import Health, Outcome
from cages.slots import FUTURE_TOLERANCE, SLOT_LENGTH, is_ahead

if TYPE_CHECKING:
    from cages.models.cage import Cage

# At 25 % random failures fewer than 1 of 500 healthy cages has no reading for 5 minutes at any
# moment, and one a month has none for 12.
LATE_AFTER = timedelta(minutes=5)
UNSEEN_AFTER = timedelta(minutes=12)
# The minutes of the strip in a list.
HOUR_MINUTES = 60
# One more than the strip shows: the newest minute may still be under way.
MINUTES_KEPT = HOUR_MINUTES + 1
NOTHING_KEPT = str(Minute.NOT_WATCHED.value) * MINUTES_KEPT
# From the digits of CageState.minutes to codes as `minutes_of` gives them.
_CODES = bytes.maketrans(
    "".join(str(minute.value) for minute in Minute).encode(),
    bytes(0 if minute == Minute.SKIPPED else minute for minute in Minute),
)


class Condition(models.TextChoices):
    """What a page says of a cage, worst first."""

    BAD = "bad", _("Bad")
    UNSEEN = "unseen", _("Unseen")
    WAITING = "waiting", _("No reading yet")
    OK = "ok", _("Ok")
    PERFECT = "perfect", _("Perfect")
    PAUSED = "paused", _("Paused")
    ARCHIVED = "archived", _("Archived")


HEALTH_CONDITIONS = {health: Condition[health.name] for health in Health}


class Rank(models.IntegerChoices):
    """The place of an active cage in "worst first"."""

    BAD = 0
    # A cage that was Bad when it fell silent is most likely Bad.
    UNSEEN_BAD = 1
    UNSEEN = 2
    WAITING = 3
    OK = 4
    PERFECT = 5
    PAUSED = 6

    @property
    def condition(self) -> Condition:
        return Condition.UNSEEN if self is Rank.UNSEEN_BAD else Condition[self.name]

    @property
    def is_trouble(self) -> bool:
        """Whether somebody has to look: Bad, or not seen any more."""
        return self <= Rank.UNSEEN


class CageState(models.Model):
    """The one row that lists, racks and the wall need. Only the recorder writes it.

    It is narrow, and apart from Cage, so that a minute's update never fights with a person's edit.
    It always equals what the stored minutes say; see cages.polling.states.
    """

    cage = models.OneToOneField(
        "cages.Cage", on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    reading_slot = models.DateTimeField(null=True)
    # The slot of the newest poll, whatever its outcome.
    outcome_slot = models.DateTimeField(null=True)
    outcome_since = models.DateTimeField(null=True)
    # The Spell of the last reading: its first slot, its readings, its minutes without an answer.
    status_since = models.DateTimeField(null=True)
    known_count = models.IntegerField(db_default=0)
    same_count = models.IntegerField(db_default=0)
    unanswered_count = models.IntegerField(db_default=0)
    # Polls without an answer since the last reading. They belong to the Spell once it goes on.
    silent_count = models.IntegerField(db_default=0)
    # The Spell before, only while this one has a single reading: if the next reading is as before,
    # the single one was a misreading, and the Spell before goes on.
    before_since = models.DateTimeField(null=True)
    before_known = models.IntegerField(null=True)
    before_same = models.IntegerField(null=True)
    before_unanswered = models.IntegerField(null=True)
    # The facility's day of the newest poll, and how many minutes of it are known.
    day = models.DateField(null=True)
    day_known = models.SmallIntegerField(db_default=0)
    status = models.SmallIntegerField(choices=Health.choices, null=True)
    outcome = models.SmallIntegerField(choices=Outcome.choices, null=True)
    before_status = models.SmallIntegerField(choices=Health.choices, null=True)
    is_since_known = models.BooleanField(db_default=False)
    is_before_since_known = models.BooleanField(null=True)
    # A digit (Minute) for each of the last slots, oldest first; the last one is outcome_slot.
    minutes = models.CharField(max_length=MINUTES_KEPT, db_default=NOTHING_KEPT)

    def __str__(self) -> str:
        return f"state of cage {self.cage_id}"

    @property
    def succeeded(self) -> bool:
        """Whether the sensor's last request was answered."""
        return self.outcome == Outcome.ANSWERED

    def age(self, now: datetime) -> timedelta | None:
        """How long ago the last known health was asked for.

        None without any, and for one that is ahead of now: a clock was wrong, so its age is not
        known.
        """
        if self.reading_slot is None or is_ahead(self.reading_slot, now):
            return None
        return max(now - self.reading_slot, timedelta())

    def request_age(self, now: datetime) -> timedelta | None:
        """How long ago the last request was, or None while that is less than LATE_AFTER."""
        age = now - self.outcome_slot if self.outcome_slot else None
        return age if age and age >= LATE_AFTER else None

    @property
    def newest_slot(self) -> datetime:
        """The slot of the newest poll. Raises ValueError without any."""
        if self.outcome_slot is None:
            raise ValueError("nothing was recorded of this cage")
        return self.outcome_slot

    @property
    def spell(self) -> Spell | None:
        """The Spell of the last reading, however old; None without any reading."""
        if self.status is None or self.status_since is None or self.reading_slot is None:
            return None
        return Spell(
            Health(self.status),
            self.status_since,
            self.reading_slot,
            self.same_count,
            self.known_count,
            self.unanswered_count,
            self.is_since_known,
        )

    @property
    def spell_before(self) -> Spell | None:
        """The Spell that still lasts if the only reading of `spell` is a misreading.

        It is told to the slot before that reading. None where there is none.
        """
        if self.before_status is None or self.before_since is None or self.status_since is None:
            return None
        return Spell(
            Health(self.before_status),
            self.before_since,
            self.status_since - SLOT_LENGTH,
            self.before_same or 0,
            self.before_known or 0,
            self.before_unanswered or 0,
            bool(self.is_before_since_known),
        )

    def minutes_until(self, end: datetime, count: int = HOUR_MINUTES) -> bytes:
        """The codes of the `count` slots before the slot `end`, as `minutes_of` gives them."""
        nothing = bytes(count)
        if self.outcome_slot is None:
            return nothing
        codes = nothing + codes_of(self.minutes) + nothing
        # Where in `codes` the slot `end` is.
        place = count + MINUTES_KEPT + (end - self.outcome_slot) // SLOT_LENGTH - 1
        return codes[place - count : place] if count <= place <= len(codes) else nothing

    def known_in(self, day: date, end: datetime) -> int:
        """How many minutes of the facility's day are known that began before the slot `end`.

        day: the one that `end` lies in. The minute under way may be known already; it is left out.
        """
        if self.day != day:
            return 0
        if self.outcome_slot is None or self.outcome_slot < end:
            return self.day_known
        to_come = (self.outcome_slot - end) // SLOT_LENGTH + 1
        codes = self.minutes_until(self.outcome_slot + SLOT_LENGTH, to_come)
        return self.day_known - sum(codes.count(code) for code in KNOWN)


def codes_of(digits: str) -> bytes:
    """One Minute for each of the digits of `CageState.minutes`."""
    return digits.encode().translate(_CODES)


def rank_of(cage: "Cage", state: CageState | None, now: datetime) -> Rank:
    """The rank of an active cage at `now`; `state` is None for a cage without any record.

    `rank_at` says the same in SQL; a test holds the two together.
    """
    if not cage.is_polled:
        return Rank.PAUSED
    if state is None or state.status is None or state.reading_slot is None:
        # A new cage has not been looked for long enough to be missed.
        is_new = now - cage.created_at < UNSEEN_AFTER
        waiting = is_new and not is_ahead(cage.created_at, now)
        return Rank.WAITING if waiting else Rank.UNSEEN
    health = Health(state.status)
    if now - state.reading_slot >= UNSEEN_AFTER or is_ahead(state.reading_slot, now):
        return Rank.UNSEEN_BAD if health == Health.BAD else Rank.UNSEEN
    return Rank[health.name]


def rank_at(now: datetime) -> Case:
    """The Rank of active cages at `now`, as `rank_of` finds it in Python."""
    latest = now + FUTURE_TOLERANCE
    seen = Q(state__reading_slot__gt=now - UNSEEN_AFTER, state__reading_slot__lte=latest)
    was = {health: Q(state__status=health) for health in Health}
    created = Q(created_at__gt=now - UNSEEN_AFTER, created_at__lte=latest)
    new = Q(state__reading_slot=None) & created
    return Case(
        When(is_polled=False, then=Rank.PAUSED),
        *(When(seen & was[health], then=Rank[health.name]) for health in Health),
        When(new, then=Rank.WAITING),
        When(was[Health.BAD], then=Rank.UNSEEN_BAD),
        default=Rank.UNSEEN,
        output_field=models.SmallIntegerField(),
    )


def condition_of(cage: "Cage", state: CageState | None, now: datetime) -> Condition:
    """The condition of one cage at `now`; `state` is None for a cage without any record."""
    return Condition.ARCHIVED if cage.archived_at else rank_of(cage, state, now).condition
