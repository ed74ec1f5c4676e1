"""A person's API tokens."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import FormView, TemplateView, View

from neurocage.ids import id_from
from people.access import Access, person_of
from people.forms.tokens import TokenForm
from people.models import ApiToken

TOKENS_SHOWN = 200


# The browser's back button must not show a token to the next person.
@method_decorator(never_cache, name="dispatch")
class TokensView(FormView):
    """The live tokens of the person. A new token is shown once, in the answer to its form."""

    template_name = "people/tokens.html"
    form_class = TokenForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        person = person_of(self.request)
        tokens = ApiToken.objects.filter(person=person).live().newest_first()
        return super().get_context_data(
            tokens=tokens,
            now=timezone.now(),
            manages_people=Access(person).manages_people,
            **kwargs,
        )

    def form_valid(self, form: TokenForm) -> HttpResponse:
        person, sent, now = person_of(self.request), form.cleaned_data, timezone.now()
        expires_at = now + sent["lifetime"] if sent["lifetime"] else None
        try:
            # Each form that is shown has another CSRF token.
            shown = self.request.POST.get("csrfmiddlewaretoken", "")
            token, secret = ApiToken.objects.issue(
                person, sent["name"], now, shown, sent["scope"], expires_at
            )
        except ValidationError as error:
            form.add_error("name", error)
            return self.form_invalid(form)
        # A redirect would have to keep the token somewhere in between.
        context = self.get_context_data(form=self.form_class(), token=token, secret=secret)
        return self.render_to_response(context)


class PeoplesTokensView(TemplateView):
    """The live tokens of other people, for those who administer their lab or the facility."""

    template_name = "people/peoples_tokens.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        access = Access(person_of(self.request))
        if not access.manages_people:
            raise PermissionDenied
        found = access.managed_tokens.live().newest_first().select_related("person")
        tokens = list(found[: TOKENS_SHOWN + 1])
        return super().get_context_data(
            tokens=tokens[:TOKENS_SHOWN],
            has_more=len(tokens) > TOKENS_SHOWN,
            shown=TOKENS_SHOWN,
            now=timezone.now(),
            **kwargs,
        )


class TokenRevokeView(View):
    """Revoke one token: of the person, or one that the person sees as an administrator."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        number = id_from(request.POST.get("token", "")) or 0
        person = person_of(request)
        own = ApiToken.objects.filter(person=person, pk=number)
        tokens = own if own.exists() else Access(person).managed_tokens.filter(pk=number)
        token = tokens.first()
        if token is None:
            raise Http404("No such token.")
        if tokens.revoke(timezone.now()):
            messages.success(request, _("The token “%s” is revoked.") % token.name)
        return redirect("tokens" if token.person_id == person.pk else "peoples-tokens")
