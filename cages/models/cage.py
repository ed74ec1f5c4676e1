"""Cages: what stands where, who answers for it, and whether it is polled."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Count, F, Q, Subquery, Value
from django.db.models.functions import Coalesce, Length
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cages.models.allowance import refuse_if_full
from cages.models.animal import AnimalCount, Housing
from cages.models.changes import CageChanges
from cages.models.event import CageEvent, EventKind
from cages.models.inhabitants import take_along, why_they_stay
from cages.models.labs import set_labs
from cages.models.minute import Spell
from cages.models.place import (
    LARGEST_COLUMN,
    ROW_PATTERN,
    ROW_REGEX,
    Places,
    Rack,
    Room,
    bay_name,
    bay_row,
)
from cages.models.search import found_by
from cages.models.state import (
    HEALTH_CONDITIONS,
    HOUR_MINUTES,
    LATE_AFTER,
    CageState,
    Condition,
    Rank,
    condition_of,
    rank_at,
    rank_of,
)
from cages.models.tally import RANK_COUNTS, Tally
from cages.slots import SLOT_LENGTH, slot_of
from people.models import User
from people.names import KeyField, SortField, key_of, shown_name

# The names of constraints in the database.
ONE_PER_BAY = "cages_cage_one_per_bay"
ONE_PER_LABEL = "cages_cage_one_per_label"


class CageQuerySet(CageChanges):
    def bulk_create(self, objs: Iterable["Cage"], *args: Any, **kwargs: Any) -> list["Cage"]:
        """Like Django's, but each cage first gets a lab of its owner."""
        cages = list(objs)
        set_labs(cages)
        return super().bulk_create(cages, *args, **kwargs)

    def with_animals(self, day: date) -> Self:
        """Annotate what `Cage.animals` needs: who is recorded on this day of the facility."""
        return self.annotate(recorded_animals=Housing.objects.counted_on(day))

    def matching(self, words: str) -> Self:
        """The cages that a search for the words finds (`found_by`)."""
        return self.filter(found_by(words))

    def with_rank(self, now: datetime) -> Self:
        """Annotate `rank`, a Rank."""
        return self.annotate(rank=rank_at(now))

    def in_condition(self, condition: Condition) -> Self:
        """Those in a Condition; for cages `with_rank`."""
        return self.filter(rank__in=[rank for rank in Rank if rank.condition == condition])

    def in_trouble(self, now: datetime) -> Self:
        """Active cages that are Bad or unseen."""
        trouble = [rank for rank in Rank if rank.is_trouble]
        return self.active().with_rank(now).filter(rank__in=trouble)

    def tally(self, now: datetime) -> Tally:
        """The Tally of these active cages; one query."""
        return Tally.of_row(self.with_rank(now).order_by().aggregate(**RANK_COUNTS))

    def counted(self) -> Subquery:
        """How many there are, as a column for another query."""
        counts = self.order_by().annotate(all=Value(1)).values("all").annotate(n=Count("pk"))
        return Subquery(counts.values("n"), output_field=models.IntegerField())

    def worst_first(self, now: datetime) -> Self:
        """By Rank, then by label."""
        return self.with_rank(now).order_by("rank", "label_sort_key", "id")

    def in_order(self, order: str, now: datetime) -> Self:
        """order: "worst", "label", "id" or "position"; anything else raises KeyError."""
        if order == "worst":
            return self.worst_first(now)
        names = [Coalesce(F(f"{name}__sort_key"), Value("")) for name in ("room", "rack")]
        column = Coalesce("column", Value(LARGEST_COLUMN + 1))
        place = (*names, Length("row"), "row", column)
        orders: dict[str, Any] = {"label": ["label_sort_key"], "id": [], "position": place}
        return self.order_by(*orders[order], "id")


class Cage(models.Model):
    """A home cage with one sensor. Its id is the one the sensor API knows."""

    label = models.CharField(_("Label"), max_length=100)
    label_key = KeyField(of="label")
    label_sort_key = SortField(of="label")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="cages",
        verbose_name=_("Owner"),
    )
    # A lab of the owner (`set_labs`), or one into which the cage was moved (`CageChanges.join`).
    lab = models.ForeignKey(
        "people.Lab", on_delete=models.PROTECT, related_name="cages", editable=False
    )
    # Where there is a rack, the room is the rack's: `stand_in` sets both.
    room = models.ForeignKey(
        Room,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cages",
        verbose_name=_("Room"),
    )
    rack = models.ForeignKey(
        Rack,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cages",
        verbose_name=_("Rack"),
    )
    row = models.CharField(_("Row"), max_length=3, blank=True, validators=[ROW_PATTERN])
    column = models.PositiveSmallIntegerField(
        _("Column"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LARGEST_COLUMN)],
    )
    strain = models.CharField(_("species or strain"), max_length=100, blank=True)
    strain_key = KeyField(of="strain")
    animal_count = models.PositiveSmallIntegerField(
        _("number of animals"), null=True, blank=True, validators=[MaxValueValidator(100)]
    )
    notes = models.TextField(_("Notes"), max_length=5000, blank=True)
    is_polled = models.BooleanField(
        _("poll the sensor every minute"),
        default=True,
        help_text=_("Switch off to pause this cage. All its data stays."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Tells an open page that it is out of date. Queryset updates have to set it themselves.
    updated_at = models.DateTimeField(auto_now=True, db_index=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Set when a purge was ordered: the cage is on its way out and cannot be restored.
    purge_ordered_at = models.DateTimeField(null=True, blank=True, editable=False)

    # As stored; None for a cage that is not.
    owner_before: int | None = None
    lab_before: int | None = None

    objects = CageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rack", "row", "column"],
                condition=Q(archived_at=None) & ~Q(row="") & Q(column__isnull=False),
                name=ONE_PER_BAY,
            ),
            models.UniqueConstraint(
                fields=["lab", "label_key"],
                condition=Q(archived_at=None),
                name=ONE_PER_LABEL,
            ),
            # Else "7" and "07" would be two bays.
            models.CheckConstraint(
                condition=Q(row="") | Q(row__regex=ROW_REGEX),
                name="cages_cage_row_is_normal",
            ),
            models.CheckConstraint(
                condition=Q(rack__isnull=False) | Q(row="", column=None),
                name="cages_cage_bay_is_in_a_rack",
            ),
        ]
        indexes = [models.Index(fields=["lab", "archived_at"], name="cages_cage_of_lab")]

    def __str__(self) -> str:
        return self.label

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the cage in a lab of its owner, and its room and rack where these are new.

        Raises ValidationError where its animals cannot go along to another lab.
        """
        set_labs([self])
        with transaction.atomic():
            Places.keep([self])
            super().save(*args, **kwargs)
            if self.changes_lab:
                take_along({self.pk: self.lab_id})
        self.owner_before, self.lab_before = self.owner_id, self.lab_id

    def get_absolute_url(self) -> str:
        return reverse("cage-detail", args=[self.pk])

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember whose cage it was, and of which lab, so that a change of them is known."""
        cage = super().from_db(*args, **kwargs)
        cage.owner_before = cage.__dict__.get("owner_id")
        cage.lab_before = cage.__dict__.get("lab_id")
        return cage

    def stand_in(
        self, room: Room | None, rack: Rack | None, row: str = "", column: int | None = None
    ) -> None:
        """Set the place, without saving it. A rack brings its own room along."""
        self.room = rack.room if rack else room
        self.rack = rack
        self.row, self.column = row, column

    def conflicts(self) -> dict[str, str]:
        """{field: message} for a label and a bay that another active cage has. Three queries.

        Sets the lab, which may be another one since the owner was chosen.
        """
        found = {}
        if self.owner_id is not None:
            set_labs([self])
        others = Cage.objects.active().exclude(pk=self.pk)
        if same := others.filter(lab=self.lab_id, label_key=key_of(self.label)).first():
            found["label"] = same.label_taken_message
        bay = Q(rack=self.rack_id, row=self.row, column=self.column)
        if self.rack_id and self.bay_name and others.filter(bay).exists():
            found["column"] = self.bay_taken_message
        return found

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        # The database's own constraints name no field, and Django leaves them out wherever a form
        # lacks one of their fields, as every form lacks archived_at.
        excluded = set(exclude or ())
        found = {} if self.is_archived else self.conflicts()
        refuse_if_full(self)
        if self.changes_lab:
            for words in why_they_stay({self.pk: self.lab_id}).values():
                found["owner"] = words
        if shown := {name: words for name, words in found.items() if name not in excluded}:
            raise ValidationError(shown)
        if self.is_somewhere_new:
            # It has no id yet, so the database would see a bay without a rack.
            excluded.add("rack")
        super().validate_constraints(excluded)

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        excluded, errors = set(exclude or ()), {}
        for name in ("label", "strain"):
            if name not in excluded:
                try:
                    setattr(self, name, shown_name(getattr(self, name)))
                except ValidationError as error:
                    errors[name] = error.error_list
                    excluded.add(name)
        self.row = bay_row(self.row)
        try:
            super().clean_fields(excluded)
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    @property
    def changes_lab(self) -> bool:
        """Whether it is stored in another lab than the one that it has now."""
        return self.lab_before is not None and self.lab_before != self.lab_id

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @property
    def room_name(self) -> str:
        return self.room.name if self.room else ""

    @property
    def rack_name(self) -> str:
        return self.rack.name if self.rack else ""

    @property
    def bay_name(self) -> str:
        """The bay in the rack: "B-07", or empty."""
        return bay_name(self.row, self.column) if self.row and self.column else ""

    @property
    def is_somewhere_new(self) -> bool:
        """Whether its room or its rack is not saved yet."""
        return bool((self.room and not self.room.pk) or (self.rack and not self.rack.pk))

    @property
    def bay_taken_message(self) -> str:
        return gettext("There is another cage in %(bay)s of this rack.") % {"bay": self.bay_name}

    @property
    def label_taken_message(self) -> str:
        """The words for another cage that was to have the label of this one."""
        text = gettext("Cage %(id)d has this label already: “%(label)s”.")
        return text % {"id": self.pk, "label": self.label}

    @property
    def position(self) -> str:
        """Where the cage stands in one line: "R2 · rack B · B-07", or empty."""
        return " · ".join(part for part in (self.room_and_rack, self.bay_name) if part)

    @property
    def room_and_rack(self) -> str:
        """The position without the bay: "R2 · rack B", or empty."""
        rack = gettext("rack %(rack)s") % {"rack": self.rack_name} if self.rack else ""
        return " · ".join(part for part in (self.room_name, rack) if part)

    @property
    def position_on_record(self) -> str:
        """The position in English, as events keep it for every reader."""
        with translation.override("en"):
            return self.position

    @property
    def animals(self) -> AnimalCount:
        """How many animals it has. For cages `with_animals`."""
        recorded: int | None = self.recorded_animals  # type: ignore[attr-defined]
        return AnimalCount.of(recorded, self.animal_count)

    @property
    def known_state(self) -> CageState | None:
        """The state, or None before the first record. Select it: `select_related("state")`."""
        try:
            return self.state
        except CageState.DoesNotExist:
            return None

    def condition(self, now: datetime) -> Condition:
        return condition_of(self, self.known_state, now)

    def current_rank(self, now: datetime) -> Rank:
        """The Rank of this active cage."""
        return rank_of(self, self.known_state, now)

    def last_hour(self, now: datetime) -> bytes:
        """The minutes of the last hour, as bytes of Minute codes; fewer for a newer cage."""
        end, state = slot_of(now), self.known_state
        minutes = bytes(HOUR_MINUTES) if state is None else state.minutes_until(end)
        count = max((end - slot_of(self.created_at)) // SLOT_LENGTH, 0)
        return minutes[-count:] if count else b""

    def spell(self, now: datetime) -> Spell | None:
        """The Spell of a cage whose health is known at `now`, else None."""
        state = self.known_state
        return state.spell if state and self.condition(now) in HEALTH_CONDITIONS.values() else None

    def is_late(self, now: datetime) -> bool:
        """Watched, but its last known health is older than a few missed answers explain."""
        if self.condition(now) in (Condition.PAUSED, Condition.ARCHIVED, Condition.WAITING):
            return False
        age = self.known_state.age(now) if self.known_state else None
        return age is None or age >= LATE_AFTER

    def archive(self, now: datetime, person: User | None = None) -> None:
        """Take the cage out of the list and of polling. What was measured stays. Harmless twice."""
        if not self.is_archived and Cage.objects.filter(pk=self.pk).archive(now, person):
            self.archived_at = now

    def save_change(self, now: datetime, person: User | None = None) -> None:
        """Save what a form changed of an existing cage; a move or a pause becomes an event.

        Raises IntegrityError where the bay or the label was taken in this moment.
        """
        with transaction.atomic():
            stored = Cage.objects.with_place().select_for_update(of=("self",)).get(pk=self.pk)
            self.save()
            before = {self.pk: stored.position_on_record}
            if stored.position != self.position:
                CageEvent.objects.note(EventKind.MOVED, [self], now, person, before)
            if stored.is_polled != self.is_polled:
                kind = EventKind.RESUMED if self.is_polled else EventKind.PAUSED
                CageEvent.objects.note(kind, [self], now, person)

    def order_purge(self, now: datetime) -> bool:
        """Mark an archived cage for its final deletion; False where it was restored meanwhile."""
        # One statement, so that only one of two people who press at the same time succeeds.
        archived = Cage.objects.archived().filter(pk=self.pk)
        marked = archived.update(purge_ordered_at=now, updated_at=now)
        self.purge_ordered_at = now if marked else None
        return bool(marked)

    def restore(self, now: datetime, person: User | None = None) -> bool:
        """Bring an archived cage back, polled as before; False where its purge was ordered.

        Raises IntegrityError where another active cage has its bay or its label (`conflicts`).
        """
        with transaction.atomic():
            # Locked, so that an order given in this moment is not overlooked.
            stored = Cage.objects.select_for_update().filter(pk=self.pk).first()
            if stored is None or stored.purge_ordered_at:
                return False
            if stored.is_archived:
                Cage.objects.filter(pk=self.pk).update(archived_at=None, updated_at=now)
                CageEvent.objects.note(EventKind.RESTORED, [self], now, person)
        self.archived_at = None
        return True
