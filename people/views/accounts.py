"""Sign in, register, and make the first administrator."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.views import LoginView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.generic import FormView

from neurocage import address
from people.forms.accounts import RegisterForm, SetupForm
from people.models import Act, OwnAddress, Registration, SignInAct, User
from people.passkeys import refusal


def nobody_has_an_account() -> bool:
    return not User.objects.exists()


@method_decorator(login_not_required, name="dispatch")
class SignInView(LoginView):
    """allauth's. As long as there is no account, it leads to the set-up."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if nobody_has_an_account():
            return redirect("setup")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            registration_open=settings.REGISTRATION_OPEN,
            provider=settings.OIDC and settings.OIDC["name"],
            has_passkeys=not refusal(self.request),
            **kwargs,
        )


def where_mail_is_set(
    view: Callable[..., HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """The view, which is there only where a mail server is set (EMAIL_URL)."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.EMAIL_URL:
            raise Http404("No mail server is set.")
        return view(request, *args, **kwargs)

    return checked


@login_not_required
def session(request: HttpRequest) -> HttpResponse:
    """204 for a person who is signed in, else 401. nginx asks before it takes a large file."""
    return HttpResponse(status=204 if request.user.is_authenticated else 401)


@method_decorator(login_not_required, name="dispatch")
class RegisterView(FormView):
    """An account that a person makes for themselves, and that waits for an administrator.

    404 unless REGISTRATION_OPEN is set.
    """

    template_name = "people/register.html"
    form_class = RegisterForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.REGISTRATION_OPEN:
            raise Http404("Registration is closed.")
        if nobody_has_an_account():
            return redirect("setup")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: RegisterForm) -> HttpResponse:
        with transaction.atomic():
            person = form.save()
            Registration.objects.create(person=person)
            SignInAct.objects.note(Act.REGISTERED, self.request, person=person)
        return render(self.request, "people/waiting.html")


@method_decorator(login_not_required, name="dispatch")
class SetupView(FormView):
    """The first administrator. 404 as soon as any account exists."""

    template_name = "people/setup.html"
    form_class = SetupForm

    def get_success_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not nobody_has_an_account():
            raise Http404("Neurocage is set up already.")
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        initial = {"code": self.request.GET.get("code", "")}
        return {**super().get_form_kwargs(), "initial": initial, "request": self.request}

    def form_valid(self, form: SetupForm) -> HttpResponse:
        try:
            with transaction.atomic():
                login(self.request, form.save())
                if said := form.cleaned_data.get("address"):
                    reached_as = split_domain_port(self.request.get_host())[0]
                    OwnAddress.objects.say(said, reached_as)
        except IntegrityError:
            raise Http404("Somebody else has set Neurocage up a moment ago.") from None
        address.forget()
        messages.success(self.request, _("Neurocage is set up. Add your first cage."))
        return super().form_valid(form)
