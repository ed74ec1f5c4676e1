"""Signing in and out, registering, and the first administrator."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.generic import FormView

from cages.forms.accounts import RegisterForm, SetupForm, SignInForm


def nobody_has_an_account():
    return not get_user_model().objects.exists()


@method_decorator(login_not_required, name="dispatch")
class SignInView(LoginView):
    """Until there is an account, every way leads to the set-up."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def dispatch(self, request, *args, **kwargs):
        if nobody_has_an_account():
            return redirect("setup")
        return super().dispatch(request, *args, **kwargs)

    def get_redirect_url(self):
        # Whoever presses "Sign out" after the session has ended is asked to sign in, and then led
        # back to an address that takes no GET.
        url = super().get_redirect_url()
        return "" if url == reverse("logout") else url

    def get_context_data(self, **kwargs):
        return super().get_context_data(registration_open=settings.REGISTRATION_OPEN, **kwargs)


@method_decorator(login_not_required, name="dispatch")
class RegisterView(FormView):
    """404 unless REGISTRATION_OPEN."""

    template_name = "accounts/register.html"
    form_class = RegisterForm
    success_url = reverse_lazy("cage-list")

    def dispatch(self, request, *args, **kwargs):
        if not settings.REGISTRATION_OPEN:
            raise Http404("Registration is closed.")
        if nobody_has_an_account():
            return redirect("setup")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form):
        login(self.request, form.save())
        messages.success(self.request, _("Welcome. Add your first cage to begin."))
        return super().form_valid(form)


@method_decorator(login_not_required, name="dispatch")
class SetupView(FormView):
    """The first administrator. 404 as soon as any account exists."""

    template_name = "accounts/setup.html"
    form_class = SetupForm
    success_url = reverse_lazy("cage-list")

    def dispatch(self, request, *args, **kwargs):
        if not nobody_has_an_account():
            raise Http404("Neurocage is set up already.")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form):
        try:
            with transaction.atomic():
                user = form.save()
        except IntegrityError:
            raise Http404("Somebody else was faster to set Neurocage up.") from None
        login(self.request, user)
        messages.success(self.request, _("Neurocage is yours. Add your first cage to begin."))
        return super().form_valid(form)
