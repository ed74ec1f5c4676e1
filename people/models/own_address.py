"""By which address people reach this installation, as somebody said at the set-up."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models
from django.http.request import split_domain_port
from django.utils.translation import gettext_lazy as _

from neurocage.env import host_of

ADDRESS_LENGTH = 300
SCHEMES = ("http", "https")
ONLY_ID = 1


def validate_address(address: str) -> None:
    """Raise ValidationError unless it is a scheme and a host, perhaps with a port."""
    try:
        parts = urlsplit(address.rstrip("/"))
        is_plain = parts.scheme in SCHEMES and parts.port != 0 and not any(parts[2:])
        host = split_domain_port(parts.netloc)[0] if is_plain else ""
    except ValueError:
        host = ""
    # Django takes a name that begins with a dot for those of all subdomains.
    if not host or host.startswith("."):
        raise ValidationError(
            _("An address looks like https://cages.example.org, without a path."), code="address"
        )


class OwnAddressManager(models.Manager["OwnAddress"]):
    def say(self, address: str, reached_as: str = "") -> OwnAddress:
        """Keep the address. reached_as: the host name by which it was said, "" for none.

        Raises ValidationError for what is no address.
        """
        validate_address(address)
        told = {"address": address.rstrip("/"), "reached_as": reached_as}
        return self.update_or_create(pk=ONLY_ID, defaults=told)[0]


class OwnAddress(models.Model):
    """One row, or none as long as nobody has said it. BASE_URL and ALLOWED_HOSTS win over it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY_ID)
    address = models.CharField(_("address"), max_length=ADDRESS_LENGTH)
    # So that a mistake in the address locks nobody out.
    reached_as = models.CharField(_("host name at the set-up"), max_length=255, blank=True)

    objects = OwnAddressManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=ONLY_ID), name="people_ownaddress_one")
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def hosts(self) -> frozenset[str]:
        """The host names to which Neurocage answers."""
        return frozenset({host_of(self.address), self.reached_as} - {""})
