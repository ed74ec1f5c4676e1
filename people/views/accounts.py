"""Sign in, register, and make the first administrator."""

from typing import Any

from allauth.account.views import LoginView, PasswordChangeView
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

from people.access import person_of
from people.forms.accounts import RegisterForm, SetupForm
from people.models import Act, SignInAct, User


def nobody_has_an_account() -> bool:
    return not User.objects.exists()


@method_decorator(login_not_required, name="dispatch")
class SignInView(LoginView):
    """Sign in. As long as there is no account, it leads to the set-up."""

    template_name = "people/login.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if nobody_has_an_account():
            return redirect("setup")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(registration_open=settings.REGISTRATION_OPEN, **kwargs)


class ChangePasswordView(PasswordChangeView):
    """Change one's own password. 404 for an account that signs in without one."""

    template_name = "people/password_change.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not person_of(request).has_usable_password():
            raise Http404("This account has no password.")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


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
        person = form.save()
        SignInAct.objects.note(Act.REGISTERED, self.request, person=person)
        login(self.request, person)
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
