"""Cages: what stands where, who answers for it, and whether it is polled."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Case, Count, Q, Subquery, Value, When, Window
from django.db.models.functions import Lag, Lead, Length, Lower
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cages.models.event import CageEvent, EventKind
from cages.models.poll import Health
from cages.models.rack import slot_name
from cages.models.state import LATE_AFTER, UNSEEN_AFTER, CageState, Condition, condition_of
from neurocage.ids import id_from
from people.models import Lab

ROW_PATTERN = RegexValidator(
    r"^([A-Z]{1,2}|[0-9]{1,3})$", _("A row is one or two letters, or a number, as on the rack.")
)


def _set_labs(cages: Iterable["Cage"]) -> None:
    """Give each cage the lab of its owner; one query."""
    cages = list(cages)
    if not cages:
        return
    labs = Lab.objects.ids_by_person(cage.owner_id for cage in cages)
    for cage in cages:
        cage.lab_id = labs[cage.owner_id]


class CageQuerySet(models.QuerySet["Cage"]):
    def bulk_create(  # type: ignore[override]
        self, objs: Iterable["Cage"], *args: Any, **kwargs: Any
    ) -> list["Cage"]:
        """As Django's, but each cage gets the lab of its owner first."""
        cages = list(objs)
        _set_labs(cages)
        return super().bulk_create(cages, *args, **kwargs)  # type: ignore[arg-type, return-value]

    def active(self):
        return self.filter(archived_at=None)

    def archived(self):
        return self.exclude(archived_at=None)

    def polled(self):
        return self.active().filter(is_polled=True)

    def matching(self, words):
        """Cages whose label holds the words, or whose id they are ("117", "#117", "cage 117")."""
        words = words.strip()
        number = id_from(words.lower().removeprefix("cage").strip().removeprefix("#"))
        found = Q(label__icontains=words)
        return self.filter(found if number is None else found | Q(id=number))

    def sharing_slot_of(self, cage):
        """Other active cages in the same slot of the same rack, as the constraint sees it."""
        if not (cage.rack and cage.slot_name):
            return self.none()
        return (
            self.active()
            .exclude(pk=cage.pk)
            .filter(room__iexact=cage.room, rack__iexact=cage.rack)
            .filter(row=cage.row, column=cage.column)
        )

    def archive(self, now, person=None):
        """Archive the active cages among these; returns how many there were."""
        return self.active()._change({"archived_at": now}, EventKind.ARCHIVED, now, person)

    def pause(self, now, person=None):
        """Stop asking the polled cages among these; returns how many there were."""
        return self.polled()._change({"is_polled": False}, EventKind.PAUSED, now, person)

    def resume(self, now, person=None):
        """Ask the paused cages among these again; returns how many there were."""
        paused = self.active().filter(is_polled=False)
        return paused._change({"is_polled": True}, EventKind.RESUMED, now, person)

    def move(self, room, rack, now, person=None):
        """Take the active cages among these that are elsewhere to a room or rack; returns how many.

        An empty room leaves each in its own. Their row and column are cleared: nobody has said yet
        in which slot each of them stands.
        """
        place, there = {"rack": rack, "row": "", "column": None}, {"rack__iexact": rack}
        if room:
            place["room"] = there["room__iexact"] = room
        elsewhere = self.active().exclude(**there)
        return elsewhere._change(place, EventKind.MOVED, now, person)

    @transaction.atomic
    def _change(self, fields, kind, now, person):
        cages = list(
            Cage.objects.filter(pk__in=self.values("pk")).order_by("pk").select_for_update()
        )
        before = {cage.pk: cage.position_on_record for cage in cages}
        for cage in cages:
            for name, value in fields.items():
                setattr(cage, name, value)
        Cage.objects.filter(pk__in=list(before)).update(**fields, updated_at=now)
        CageEvent.objects.note(kind, cages, now, person, before)
        return len(cages)

    def with_rank(self, now):
        """Annotates `rank`: 0 Bad, 1 unseen, 2 no reading yet, 3 Ok, 4 Perfect, 5 paused."""
        seen = Q(state__reading_slot__gt=now - UNSEEN_AFTER)
        unread = Q(state__reading_slot=None)
        ranks = [
            When(is_polled=False, then=5),
            When(seen & Q(state__status=Health.BAD), then=0),
            When(seen & Q(state__status=Health.OK), then=3),
            When(seen & Q(state__status=Health.PERFECT), then=4),
            When(unread & Q(created_at__gt=now - UNSEEN_AFTER), then=2),
        ]
        return self.annotate(
            rank=Case(*ranks, default=Value(1), output_field=models.SmallIntegerField())
        )

    def in_trouble(self, now):
        """Active cages that are Bad or unseen."""
        return self.active().with_rank(now).filter(rank__lte=1)

    def counted(self):
        """How many there are, as a column for another query."""
        counts = self.order_by().annotate(all=Value(1)).values("all").annotate(n=Count("pk"))
        return Subquery(counts.values("n"), output_field=models.IntegerField())

    def worst_first(self, now):
        """Bad, unseen, no reading yet, Ok, Perfect, paused; then by label."""
        return self.with_rank(now).order_by("rank", Lower("label"), "id")

    def neighbours_of(self, cage):
        """{"previous": Cage, "next": Cage} beside the cage in this order, where there are any."""
        order = list(self.query.order_by)
        beside = self.annotate(
            id_before=Window(Lag("pk"), order_by=order), id_after=Window(Lead("pk"), order_by=order)
        ).filter(Q(id_before=cage.pk) | Q(id_after=cage.pk))
        return {("next" if near.id_before == cage.pk else "previous"): near for near in beside}

    def in_order(self, order, now):
        """order: "worst", "label", "id" or "position"; anything else raises KeyError."""
        if order == "worst":
            return self.worst_first(now)
        place = [Lower("room"), Lower("rack"), Length("row"), "row", "column"]
        return self.order_by(*{"label": [Lower("label")], "id": [], "position": place}[order], "id")


class Cage(models.Model):
    """A home cage with one sensor. Its id is the one the sensor API knows."""

    label = models.CharField(max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cages"
    )
    # The owner's own lab. It follows the owner, so only `save` and `bulk_create` set it.
    lab = models.ForeignKey(
        "people.Lab", on_delete=models.PROTECT, related_name="cages", editable=False
    )
    room = models.CharField(max_length=50, blank=True)
    rack = models.CharField(max_length=50, blank=True)
    row = models.CharField(max_length=3, blank=True, validators=[ROW_PATTERN])
    column = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(999)]
    )
    strain = models.CharField(_("species or strain"), max_length=100, blank=True)
    animal_count = models.PositiveSmallIntegerField(
        _("number of animals"), null=True, blank=True, validators=[MaxValueValidator(100)]
    )
    notes = models.TextField(max_length=5000, blank=True)
    is_polled = models.BooleanField(
        _("ask the sensor every minute"),
        default=True,
        help_text=_("Switch off to pause this cage; what was measured stays."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Tells an open page that it is out of date. Queryset updates have to set it themselves.
    updated_at = models.DateTimeField(auto_now=True, db_index=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Set when a purge was ordered: the cage is on its way out and cannot be restored.
    purge_ordered_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("room"),
                Lower("rack"),
                "row",
                "column",
                condition=Q(archived_at=None) & ~Q(rack="") & ~Q(row="") & Q(column__isnull=False),
                name="cages_cage_one_per_rack_slot",
            )
        ]
        indexes = [models.Index(fields=["lab", "archived_at"], name="cages_cage_of_lab")]

    def __str__(self):
        return self.label

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the cage in the lab of its owner."""
        _set_labs([self])
        super().save(*args, **kwargs)

    def get_absolute_url(self):
        return reverse("cage-detail", args=[self.pk])

    def validate_constraints(self, exclude=None):
        # The database's own constraint names no field, and Django leaves it out wherever a form
        # lacks one of its fields, as every form lacks archived_at.
        if not self.is_archived and Cage.objects.sharing_slot_of(self).exists():
            raise ValidationError({"column": self.slot_taken_message})
        super().validate_constraints(exclude)

    def clean_fields(self, exclude=None):
        self.row = self.row.upper()
        super().clean_fields(exclude)

    @property
    def is_archived(self):
        return self.archived_at is not None

    @property
    def slot_name(self):
        """Where in the rack: "B-07", or empty."""
        return slot_name(self.row, self.column) if self.row and self.column else ""

    @property
    def slot_taken_message(self):
        return gettext("Another cage stands in %(slot)s of this rack.") % {"slot": self.slot_name}

    @property
    def position(self):
        """Where the cage stands in one line: "R2 · rack B · B-07", or empty."""
        rack = gettext("rack %(rack)s") % {"rack": self.rack} if self.rack else ""
        return " · ".join(part for part in (self.room, rack, self.slot_name) if part)

    @property
    def position_on_record(self):
        """The position as events keep it: in English, whoever acts."""
        with translation.override("en"):
            return self.position

    @property
    def known_state(self):
        """The state, or None before the first record. Select it: `select_related("state")`."""
        try:
            return self.state
        except CageState.DoesNotExist:
            return None

    def condition(self, now):
        return condition_of(self, self.known_state, now)

    def is_late(self, now):
        """Watched, but its last known health is older than a few missed answers explain."""
        if self.condition(now) in (Condition.PAUSED, Condition.ARCHIVED, Condition.WAITING):
            return False
        age = self.known_state and self.known_state.age(now)
        return age is None or age >= LATE_AFTER

    def archive(self, now, person=None):
        """Take the cage out of the list and of polling. What was measured stays. Harmless twice."""
        if not self.is_archived and Cage.objects.filter(pk=self.pk).archive(now, person):
            self.archived_at = now

    def save_change(self, now, person=None):
        """Save what a form changed of an existing cage; a move or a pause becomes an event.

        Raises IntegrityError where the slot in the rack was taken in this moment.
        """
        with transaction.atomic():
            stored = Cage.objects.select_for_update().get(pk=self.pk)
            self.save()
            before = {self.pk: stored.position_on_record}
            if stored.position != self.position:
                CageEvent.objects.note(EventKind.MOVED, [self], now, person, before)
            if stored.is_polled != self.is_polled:
                kind = EventKind.RESUMED if self.is_polled else EventKind.PAUSED
                CageEvent.objects.note(kind, [self], now, person)

    def order_purge(self, now):
        """Mark an archived cage for its final deletion; False where it was restored meanwhile."""
        # Like restore, one statement: of two people who press at once, one wins.
        marked = (
            Cage.objects.archived().filter(pk=self.pk).update(purge_ordered_at=now, updated_at=now)
        )
        self.purge_ordered_at = now if marked else None
        return bool(marked)

    def restore(self, now, person=None):
        """Bring an archived cage back, polled as before; False where its purge was ordered.

        Raises IntegrityError where another active cage has taken its slot in the rack.
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
