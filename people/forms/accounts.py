"""Sign in, change and reset a password, register, and make the first administrator."""

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.core import context
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from neurocage.ids import advance_ids
from people.locks import refuse_if_mailed_often
from people.models import User


def _plain_helper(button: str | Promise) -> FormHelper:
    helper = FormHelper()
    helper.add_input(Submit("", button, css_class="btn-primary w-100"))
    return helper


class _Plain(forms.Form):
    """Fields with a label above them. Placeholders and links of allauth are not used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
            field.help_text = ""


class SignInForm(_Plain, allauth_forms.LoginForm):
    helper = _plain_helper(_("Sign in"))

    def add_prefix(self, field_name: str) -> str:
        # What allauth calls "login" is a username. Programs that keep passwords look for that name.
        return super().add_prefix("username" if field_name == "login" else field_name)


class ChangePasswordForm(_Plain, allauth_forms.ChangePasswordForm):
    helper = _plain_helper(_("Change password"))

    def clean_oldpassword(self) -> str:
        # Through the limits, unlike allauth's own.
        password: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class SetPasswordForm(_Plain, allauth_forms.SetPasswordForm):
    helper = _plain_helper(_("Set password"))


class ResetPasswordForm(_Plain, allauth_forms.ResetPasswordForm):
    helper = _plain_helper(_("Send the mail"))

    def clean_email(self) -> str:
        refuse_if_mailed_often(context.request, self.cleaned_data["email"])
        mail: str = super().clean_email()
        return mail


class ResetPasswordKeyForm(_Plain, allauth_forms.ResetPasswordKeyForm):
    helper = _plain_helper(_("Set password"))


class ConfirmPasswordForm(_Plain, allauth_forms.ReauthenticateForm):
    helper = _plain_helper(_("Confirm"))


class MailAddressForm(_Plain, allauth_forms.AddEmailForm):
    helper = _plain_helper(_("Save"))


class RegisterForm(UserCreationForm):
    helper = _plain_helper(_("Create account"))

    class Meta(UserCreationForm.Meta):
        model = User

    def clean_username(self) -> str:
        # Django asks the database which names read the same. The model asks `people.names`.
        return str(self.cleaned_data["username"])


class SetupForm(RegisterForm):
    """The first administrator."""

    helper = _plain_helper(_("Create administrator"))
    FIRST_ID = 1

    def save(self, commit: bool = True) -> User:
        """Save the account. Raises IntegrityError if somebody else was set up a moment ago."""
        user: User = super().save(commit=False)
        # Both of two people who do this at the same time take this id, so the database refuses one.
        user.id = self.FIRST_ID
        user.is_staff = user.is_superuser = True
        user.save(force_insert=True)
        advance_ids(User)
        return user
