"""Who is told what, by which way, and what came of each try to send it."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from welfare.models.rule import Kind

# Nobody has acknowledged a concern for so long: the next person on duty is told.
ESCALATES_AFTER_MINUTES = 15
# One cause shows itself in many cages within this time. It becomes one message.
COLLECTS_FOR_MINUTES = 3
DRILL_DUE_AFTER = timedelta(days=30)


class NoticeSettings(models.Model):
    """What holds for the whole facility. One row, which is locked while notices are made."""

    escalates_after_minutes = models.PositiveSmallIntegerField(
        _("minutes until the next person on duty is told"),
        default=ESCALATES_AFTER_MINUTES,
        validators=[MinValueValidator(3), MaxValueValidator(240)],
    )
    collects_for_minutes = models.PositiveSmallIntegerField(
        _("minutes in which what is raised becomes one message"),
        default=COLLECTS_FOR_MINUTES,
        validators=[MaxValueValidator(15)],
    )
    drill_reminded_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return "settings of notices"


class Channel(models.Model):
    """A way to send notices that an administrator made. `address` is a secret."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    address = models.CharField(_("address"), max_length=1000)
    is_on = models.BooleanField(_("in use"), default=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Wish(models.Model):
    """What a person wants to be told. In the app they find every notice, whatever `by_mail` says.

    No rooms: all that the person sees.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="wish"
    )
    kinds = ArrayField(models.CharField(max_length=20, choices=Kind.choices), default=list)
    rooms = models.ManyToManyField("cages.Room", blank=True, related_name="+")
    by_mail = models.BooleanField(_("by mail"), default=False)
    channel = models.ForeignKey(
        Channel, on_delete=models.SET_NULL, null=True, blank=True, related_name="wishes"
    )
    # In facility time, both or none. From 22:00 until 06:00 is over midnight.
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    # While on duty, concerns about health come in quiet hours too.
    wakes_on_duty = models.BooleanField(default=True)
    # Of the rooms above, when their lights go on. Quiet hours do not matter: it wakes nobody.
    night_by_mail = models.BooleanField(_("night sheets by mail"), default=False, db_default=False)
    language = models.CharField(_("language"), max_length=10, default=settings.LANGUAGE_CODE)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="welfare_wish_whole_quiet_hours",
            )
        ]

    def __str__(self) -> str:
        return f"wish of {self.person}"


class DutyShiftQuerySet(models.QuerySet["DutyShift"]):
    def on(self, now: datetime) -> Self:
        """Who is on duty now, in the order in which they are told."""
        return self.not_ended(now).filter(starts_at__lte=now).order_by("place", "pk")

    def not_ended(self, now: datetime) -> Self:
        return self.filter(ends_at__gt=now)


class DutyShift(models.Model):
    """A person is on duty from when to when. place: 1 is told first."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shifts"
    )
    place = models.PositiveSmallIntegerField(
        _("place in the order"), default=1, validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))

    objects = DutyShiftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="welfare_dutyshift_ends_later"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person}, {self.starts_at:%Y-%m-%d %H:%M}Z"


class Why(models.TextChoices):
    """Why somebody is told."""

    RAISED = "raised", _("raised")
    ESCALATED = "escalated", _("not acknowledged in time")
    BY_EYE = "by_eye", _("to be checked by eye")
    REMINDER = "reminder", _("reminder")
    RECHECK = "recheck", _("recheck not done in time")
    OVER = "over", _("over")
    WITHDRAWN = "withdrawn", _("withdrawn")
    NOT_WATCHED = "not_watched", _("not watched any more")
    DRILL_DUE = "drill_due", _("a drill is due")
    NIGHT = "night", _("night sheet")


# What may be the first that a person is told of a concern.
TOLD_FIRST = (Why.RAISED, Why.ESCALATED, Why.BY_EYE)
# What ends it, told once: one of them.
TOLD_LAST = (Why.OVER, Why.WITHDRAWN, Why.NOT_WATCHED)


class Notice(models.Model):
    """A message to one person, as it was written. It may tell of many concerns."""

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    why = models.CharField(max_length=20, choices=Why.choices)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    made_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    is_drill = models.BooleanField(default=False)
    # The sheet that goes with it as a file.
    night_sheet = models.ForeignKey(
        "welfare.NightSheet", on_delete=models.CASCADE, null=True, related_name="notices"
    )

    class Meta:
        indexes = [models.Index(fields=["recipient", "-made_at"], name="welfare_notice_of_person")]
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "night_sheet"], name="welfare_notice_of_night_once"
            )
        ]

    def __str__(self) -> str:
        return self.subject


class Told(models.Model):
    """That a person was told of a concern for one reason: the key by which nothing is told twice.

    episode: how often the condition had come back. number: which reminder, or which recheck.
    """

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="told")
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    concern = models.ForeignKey("welfare.Concern", on_delete=models.CASCADE, related_name="told")
    why = models.CharField(max_length=20, choices=Why.choices)
    episode = models.PositiveIntegerField(default=0)
    number = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "concern", "why", "episode", "number"],
                name="welfare_told_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.why} {self.concern_id} to {self.recipient_id}"


class Failure(models.TextChoices):
    """Why a try failed. No address and no answer of a receiver is kept: they hold secrets."""

    NOT_SET = "not_set", _("no mail server is set (EMAIL_URL)")
    NO_ADDRESS = "no_address", _("the account has no mail address")
    REFUSED_ADDRESS = "refused_address", _("the mail server takes no mail for this address")
    BAD_ADDRESS = "bad_address", _("the address of the channel cannot be used")
    NO_HOST = "no_host", _("the host has no address")
    FORBIDDEN = "forbidden", _("refused: the host's address is not allowed")
    CONNECTION = "connection", _("no connection")
    TIMEOUT = "timeout", _("no answer in time")
    NOT_STARTED = "not_started", _("not sent: this machine has too much to do")
    REJECTED = "rejected", _("the receiver did not take it")
    LOST = "lost", _("the worker stopped while sending")


# The fault of one account, and not of the way.
OF_ONE_PERSON = frozenset({Failure.NO_ADDRESS, Failure.REFUSED_ADDRESS})


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> Self:
        return self.filter(sent_at=None, ended_at=None)

    def failing(self) -> Self:
        """Those whose newest try failed."""
        return self.exclude(failure="").filter(sent_at=None)

    def results_since(self, since: datetime) -> dict[str, int]:
        """{result: how many of those that were made after `since`}; one query.

        Each delivery has one result: sent, given_up, not_needed, failing or waiting.
        """
        is_over = Q(sent_at=None, ended_at__isnull=False)
        return self.filter(made_at__gt=since).aggregate(
            sent=Count("pk", filter=Q(sent_at__isnull=False)),
            given_up=Count("pk", filter=is_over & ~Q(failure="")),
            not_needed=Count("pk", filter=is_over & Q(failure="")),
            failing=Count("pk", filter=Q(sent_at=None, ended_at=None) & ~Q(failure="")),
            waiting=Count("pk", filter=Q(sent_at=None, ended_at=None, failure="")),
        )


class Delivery(models.Model):
    """One message on one way, with its tries. channel None: by mail.

    It ends with `sent_at`, or with `ended_at`: given up, or not needed any more (no failure).
    """

    # None: a test of a channel.
    notice = models.ForeignKey(
        Notice, on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    # Written before sending. Still there without a result: the worker was killed.
    begun_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    times_lost = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=20, choices=Failure.choices, blank=True)
    failed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["notice", "channel"],
                condition=Q(notice__isnull=False),
                nulls_distinct=False,
                name="welfare_delivery_once_a_way",
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(sent_at=None, ended_at=None),
                name="welfare_delivery_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"

    @property
    def may_be_a_repeat(self) -> bool:
        return self.times_lost > 0
