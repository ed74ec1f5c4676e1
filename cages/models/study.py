"""Studies: what a study package was asked to hold, and what its first file held."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from people.access import Access


class StudyQuerySet(models.QuerySet["Study"]):
    def seen_by(self, access: Access, cages: models.QuerySet[Any]) -> Self:
        """Those of which the person sees every cage. cages: all that there are."""
        hidden = access.sees_not(cages).values("pk")
        # Without cages nothing says whose it is: they were purged.
        return self.filter(cages__isnull=False).exclude(cages__in=hidden).distinct()


class Study(models.Model):
    """A study package. The file is not kept: it is made again for each download.

    order: cages, window and exclusions as JSON (cages.exporting.study.order). sha256, size, rows,
    contents and app_version: of the first file that was made to its end; empty before.
    contents: {"files": {name: SHA-256}, "cages": {id: [SHA-256 of its minutes, polls]}}.
    checked_at, differences: when it was last made again, and how that differed, as [how, values]
    (cages.exporting.study.checking.Differs).
    """

    title = models.CharField(_("Title"), max_length=200)
    by = models.CharField(_("Who"), max_length=150)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    made_at = models.DateTimeField(_("Made"))
    order = models.JSONField(_("What it shall hold"))
    cages = models.ManyToManyField("cages.Cage", related_name="studies")
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    size = models.BigIntegerField(null=True)
    rows = models.BigIntegerField(null=True)
    contents = models.JSONField(default=dict)
    app_version = models.CharField(max_length=40, blank=True)
    checked_at = models.DateTimeField(null=True)
    differences = models.JSONField(default=list)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name}: {self.title}"

    @property
    def name(self) -> str:
        """Its id for papers, such as "NC-2026-0001"."""
        return f"NC-{self.made_at:%Y}-{self.pk:04d}"
