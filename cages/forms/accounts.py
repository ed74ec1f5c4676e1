"""Signing in, registering, and the first administrator."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.utils.translation import gettext_lazy as _

from cages.models.ids import advance_ids


def _plain_helper(button):
    helper = FormHelper()
    helper.add_input(Submit("", button, css_class="btn-primary w-100"))
    return helper


class SignInForm(AuthenticationForm):
    helper = _plain_helper(_("Sign in"))


class RegisterForm(UserCreationForm):
    helper = _plain_helper(_("Create account"))


class SetupForm(UserCreationForm):
    """The first administrator. Whoever is second, however close behind, is refused."""

    helper = _plain_helper(_("Create administrator"))
    FIRST_ID = 1

    def save(self, commit=True):
        user = super().save(commit=False)
        user.id = self.FIRST_ID
        user.is_staff = user.is_superuser = True
        # The fixed key lets the database refuse a second first administrator.
        user.save(force_insert=True)
        advance_ids(get_user_model())
        return user
