"""A person's API tokens."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import FormView, View

from neurocage.ids import id_from
from people.access import person_of
from people.forms.tokens import TokenForm
from people.models import ApiToken


# The browser's back button must not show a token to the next person.
@method_decorator(never_cache, name="dispatch")
class TokensView(FormView):
    """The live tokens of the person. A new token is shown once, in the answer to its form."""

    template_name = "people/tokens.html"
    form_class = TokenForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        tokens = ApiToken.objects.filter(person=person_of(self.request)).live().newest_first()
        return super().get_context_data(tokens=tokens, **kwargs)

    def form_valid(self, form: TokenForm) -> HttpResponse:
        person, name = person_of(self.request), form.cleaned_data["name"]
        try:
            # Each form that is shown has another CSRF token.
            shown = self.request.POST.get("csrfmiddlewaretoken", "")
            token, secret = ApiToken.objects.issue(person, name, timezone.now(), form=shown)
        except ValidationError as error:
            form.add_error("name", error)
            return self.form_invalid(form)
        # A redirect would have to keep the token somewhere in between.
        context = self.get_context_data(form=self.form_class(), token=token, secret=secret)
        return self.render_to_response(context)


class TokenRevokeView(View):
    """Revoke one of the person's tokens."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        number = id_from(request.POST.get("token", "")) or 0
        tokens = ApiToken.objects.filter(person=person_of(request), pk=number)
        token = tokens.first()
        if token is None:
            raise Http404("No such token.")
        if tokens.revoke(timezone.now()):
            messages.success(request, _("The token “%s” is revoked.") % token.name)
        return redirect("tokens")
