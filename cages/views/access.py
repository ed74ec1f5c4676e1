"""Who may see and change which cage. Every page asks for a login first (settings.MIDDLEWARE)."""

from django.contrib.auth.mixins import UserPassesTestMixin
from django.utils import timezone

from cages.models import Cage


class CageAccessMixin:
    """A view of one cage: the person's own, or any for facility staff; otherwise 404."""

    model = Cage
    context_object_name = "cage"

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.now = timezone.now()

    def get_queryset(self):
        return Cage.objects.visible_to(self.request.user).select_related(
            "owner", "state", "room", "rack"
        )

    def get_context_data(self, **kwargs):
        return super().get_context_data(now=self.now, **kwargs)


class StaffOnlyMixin(UserPassesTestMixin):
    """Facility staff; everybody else who is signed in gets 403."""

    def test_func(self):
        return self.request.user.is_staff


class AdministratorOnlyMixin(UserPassesTestMixin):
    """Administrators; everybody else who is signed in gets 403."""

    def test_func(self):
        return self.request.user.is_superuser
