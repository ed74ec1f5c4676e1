"""Links to the wall: administrators make and revoke them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import FormView, View

from cages.forms.wall_link import WallLinkForm
from cages.models import WallLink
from neurocage.address import absolute
from neurocage.ids import id_from
from people.access import Permission, person_of
from people.preferences import THEMES
from people.views.permitted import PermittedMixin


# The browser's back button must not show a link to the next person.
@method_decorator(never_cache, name="dispatch")
class WallLinksView(PermittedMixin, FormView):
    """The live links. A new one is shown once, in the answer to its form."""

    template_name = "cages/racks/wall_links.html"
    permission = Permission.WALL_LINKS
    form_class = WallLinkForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        links = WallLink.objects.live().newest_first().select_related("room", "created_by")
        return super().get_context_data(links=links, theme_names=list(THEMES), **kwargs)

    def form_valid(self, form: WallLinkForm) -> HttpResponse:
        name, room = form.cleaned_data["name"], form.cleaned_data["room"]
        try:
            # Each form that is shown has another CSRF token.
            shown = self.request.POST.get("csrfmiddlewaretoken", "")
            link, secret = WallLink.objects.issue(
                person_of(self.request), name, room, timezone.now(), form=shown
            )
        except ValidationError as error:
            form.add_error("name", error)
            return self.form_invalid(form)
        address = absolute(reverse("wall-screen", args=[secret]))
        # A redirect would have to keep the secret somewhere in between.
        return self.render_to_response(
            self.get_context_data(form=self.form_class(), link=link, address=address)
        )


class WallLinkRevokeView(PermittedMixin, View):
    """Revoke one link. Its screens say so within seconds."""

    http_method_names = ["post", "options"]
    permission = Permission.WALL_LINKS

    def post(self, request: HttpRequest) -> HttpResponse:
        links = WallLink.objects.filter(pk=id_from(request.POST.get("link", "")) or 0)
        link = links.first()
        if link is None:
            raise Http404("No such link.")
        if links.revoke(timezone.now()):
            messages.success(request, _("The link “%s” is revoked.") % link.name)
        return redirect("wall-links")
