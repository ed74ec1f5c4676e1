"""A person's tokens for programs, and what a program does with one."""

from datetime import timedelta

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.generic import FormView, TemplateView, View

from cages.api.examples import TOKEN_VARIABLE, Examples
from cages.api.parameters import CAGES_AT_MOST, CagesQuery, SeriesQuery
from cages.api.problems import ADDRESS
from cages.api.tokens import REQUESTS_A_MINUTE
from cages.forms.tokens import TokenForm
from cages.models import Cage
from cages.models.ids import id_from

OFFERS = {
    "cages": gettext_lazy("Your cages, by id; with archived=true the archived ones."),
    "cages/1": gettext_lazy("One of your cages, archived or not."),
    "states": gettext_lazy("How each of your active cages is now, and how its sensor did last."),
    "readings": gettext_lazy("The known minutes: 1 bad, 2 ok, 3 perfect."),
    "requests": gettext_lazy("Every planned poll, and what came of it."),
    "hourly": gettext_lazy("Both, counted by UTC hour, with response times in bins."),
    "openapi.json": gettext_lazy("All of this as an OpenAPI document, for tools."),
}


# A page with a token on it is not to be found by the back button of whoever comes next.
@method_decorator(never_cache, name="dispatch")
class TokensView(FormView):
    """The person's tokens. A new one is in the answer to its form, and never again."""

    template_name = "tokens/list.html"
    form_class = TokenForm

    def get_context_data(self, **kwargs):
        tokens = self.request.user.api_tokens.live().newest_first()
        return super().get_context_data(tokens=tokens, **kwargs)

    def form_valid(self, form):
        tokens, name = self.request.user.api_tokens, form.cleaned_data["name"]
        try:
            token, secret = tokens.issue(self.request.user, name, timezone.now())
        except ValidationError as error:
            form.add_error("name", error)
            return self.form_invalid(form)
        # Not redirected, which would have to keep it somewhere in between.
        context = self.get_context_data(form=self.form_class(), token=token, secret=secret)
        return self.render_to_response(context)


class TokenRevokeView(View):
    """Make one of the person's tokens useless."""

    http_method_names = ["post", "options"]

    def post(self, request, *args, **kwargs):
        number = id_from(request.POST.get("token", ""))
        tokens = request.user.api_tokens.filter(pk=number)
        token = tokens.first()
        if token is None:
            raise Http404("No such token.")
        if tokens.revoke(timezone.now()):
            messages.success(request, _("%s is revoked. It reads nothing any more.") % token.name)
        return redirect("tokens")


class ExamplesView(TemplateView):
    """What the API gives, its rules, and programs that read it at this very address."""

    template_name = "tokens/examples.html"

    def get_context_data(self, **kwargs):
        cages = Cage.objects.visible_to(self.request.user).active()
        today = timezone.localdate()
        examples = Examples(
            base=self.request.build_absolute_uri(ADDRESS).rstrip("/"),
            cage_id=cages.order_by("pk").values_list("pk", flat=True).first() or 1,
            start=(today - timedelta(days=1)).isoformat(),
            end=today.isoformat(),
        )
        return super().get_context_data(
            examples=[
                ("curl", examples.curl),
                ("Python", examples.python),
                (_("Python, as a table of pandas"), examples.pandas),
                ("R", examples.r),
            ],
            header="Authorization: Bearer nc_…",
            variable=TOKEN_VARIABLE,
            offers=[(f"{ADDRESS}{path}", words) for path, words in OFFERS.items()],
            requests_a_minute=REQUESTS_A_MINUTE,
            cages_at_most=CAGES_AT_MOST,
            page_of_series=_largest(SeriesQuery),
            page_of_cages=_largest(CagesQuery),
            **kwargs,
        )


def _largest(query):
    return next(each.le for each in query.model_fields["limit"].metadata if hasattr(each, "le"))
