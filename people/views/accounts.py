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
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView

from people.forms.accounts import RegisterForm, SetupForm
from people.models import User


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
        open_ways = {"registration_open": settings.REGISTRATION_OPEN}
        return super().get_context_data(**open_ways, has_mail=bool(settings.EMAIL_URL), **kwargs)


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


class NewAccountView(FormView):
    """Make an account with the form, sign in with it, and say `welcome`."""

    welcome: str | Promise

    def get_success_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def form_valid(self, form: RegisterForm) -> HttpResponse:
        login(self.request, form.save())
        messages.success(self.request, str(self.welcome))
        return super().form_valid(form)


@method_decorator(login_not_required, name="dispatch")
class RegisterView(NewAccountView):
    """An account that a person makes for themselves. 404 unless REGISTRATION_OPEN is set."""

    template_name = "people/register.html"
    form_class = RegisterForm

    welcome = _("Welcome. Add your first cage.")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.REGISTRATION_OPEN:
            raise Http404("Registration is closed.")
        if nobody_has_an_account():
            return redirect("setup")
        return super().dispatch(request, *args, **kwargs)


@method_decorator(login_not_required, name="dispatch")
class SetupView(NewAccountView):
    """The first administrator. 404 as soon as any account exists."""

    template_name = "people/setup.html"
    form_class = SetupForm

    welcome = _("Neurocage is set up. Add your first cage.")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not nobody_has_an_account():
            raise Http404("Neurocage is set up already.")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: RegisterForm) -> HttpResponse:
        try:
            with transaction.atomic():
                return super().form_valid(form)
        except IntegrityError:
            raise Http404("Somebody else has set Neurocage up a moment ago.") from None
