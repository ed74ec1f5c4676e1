"""Sign in, change and reset a password, register, and make the first administrator."""

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp.forms import ActivateTOTPForm
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.conf import settings
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from neurocage.ids import advance_ids
from people.locks import refuse_if_locked, refuse_if_mailed_often
from people.models import Act, Registration, SignInAct, User
from people.models.own_address import ADDRESS_LENGTH, validate_address
from people.models.registration import WAITING_AT_MOST
from people.setup_code import NOTED_AS, opens_setup


def plain_helper(button: str | Promise) -> FormHelper:
    helper = FormHelper()
    helper.add_input(Submit("", button, css_class="btn-primary w-100"))
    return helper


class Plain(forms.Form):
    """Fields with a label above them. Placeholders and links of allauth are not used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
            field.help_text = ""


class SignInForm(Plain, allauth_forms.LoginForm):
    helper = plain_helper(_("Sign in"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["login"]
        field.label = _("Username or mail address") if settings.EMAIL_URL else _("Username")
        field.widget.attrs["autocomplete"] = "username"

    def add_prefix(self, field_name: str) -> str:
        # What allauth calls "login" is a username. Programs that keep passwords look for that name.
        return super().add_prefix("username" if field_name == "login" else field_name)


class _NewPassword(Plain):
    """It says what a new password must be."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = password_validators_help_text_html()


class ChangePasswordForm(_NewPassword, allauth_forms.ChangePasswordForm):
    helper = plain_helper(_("Change password"))

    def clean_oldpassword(self) -> str:
        # Through the limits, unlike allauth's own.
        password: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class SetPasswordForm(_NewPassword, allauth_forms.SetPasswordForm):
    helper = plain_helper(_("Set password"))


class ResetPasswordForm(Plain, allauth_forms.ResetPasswordForm):
    helper = plain_helper(_("Send the mail"))

    def clean_email(self) -> str:
        refuse_if_mailed_often(context.request, self.cleaned_data["email"])
        mail: str = super().clean_email()
        return mail


class ResetPasswordKeyForm(_NewPassword, allauth_forms.ResetPasswordKeyForm):
    helper = plain_helper(_("Set password"))


class ConfirmPasswordForm(Plain, allauth_forms.ReauthenticateForm):
    helper = plain_helper(_("Confirm"))


class MailAddressForm(Plain, allauth_forms.AddEmailForm):
    helper = plain_helper(_("Save"))


class _CodeForm(Plain, mfa_forms.BaseAuthenticateForm):
    """A code of the second factor, limited as a password is."""

    def clean_code(self) -> str:
        refuse_if_locked(context.request, self.user.username)
        try:
            code: str = super().clean_code()
        except RedisError:
            # allauth keeps there which codes were used.
            raise forms.ValidationError(
                _("Codes cannot be checked at the moment. Try again soon."), code="away"
            ) from None
        return code


class CodeForm(_CodeForm, mfa_forms.AuthenticateForm):
    helper = plain_helper(_("Sign in"))


class ConfirmCodeForm(_CodeForm, mfa_forms.ReauthenticateForm):
    helper = plain_helper(_("Confirm"))


class AddFactorForm(Plain, ActivateTOTPForm):
    helper = plain_helper(_("Add"))


class AccountForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = User

    def clean_username(self) -> str:
        # Django asks the database which names read the same. The model asks `people.names`.
        return str(self.cleaned_data["username"])


class RegisterForm(AccountForm):
    """An account that cannot be used yet."""

    helper = plain_helper(_("Register"))

    class Meta(AccountForm.Meta):
        fields = ("username", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.EMAIL_URL:
            del self.fields["email"]

    def clean(self) -> dict[str, Any]:
        # It is the same for everybody, so it says nothing about who has an account.
        if Registration.objects.count() >= WAITING_AT_MOST:
            raise forms.ValidationError(_("Too many people wait already. Try again later."))
        return super().clean() or {}

    def save(self, commit: bool = True) -> User:
        self.instance.is_active = False
        person: User = super().save(commit)
        return person


class SetupForm(AccountForm):
    """The first administrator."""

    helper = plain_helper(_("Create administrator"))
    FIRST_ID = 1

    code = forms.CharField(
        label=_("Code"),
        help_text=_("It stands in the log of the start. `manage.py setup_code` prints it too."),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    address = forms.CharField(
        label=_("Address of Neurocage"),
        help_text=_("Links and codes begin with it."),
        max_length=ADDRESS_LENGTH,
        validators=[validate_address],
    )
    field_order = ("code", "address", "username", "password1", "password2")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        if settings.BASE_URL:
            del self.fields["address"]
        else:
            if settings.LEARNS_HOSTS:
                self.fields["address"].help_text = _(
                    "Links and codes begin with it, and Neurocage answers only to its host name."
                )
            self.initial["address"] = f"{request.scheme}://{request.get_host()}"

    def clean_code(self) -> str:
        """Limited as a password is."""
        refuse_if_locked(self.request, NOTED_AS)
        code: str = self.cleaned_data["code"]
        if not opens_setup(code):
            SignInAct.objects.note(Act.FAILED, self.request, name=NOTED_AS)
            raise forms.ValidationError(_("This is not the code."), code="wrong")
        return code

    def save(self, commit: bool = True) -> User:
        """Save the account. Raises IntegrityError if somebody else was set up a moment ago."""
        user: User = super().save(commit=False)
        # Both of two people who do this at the same time take this id, so the database refuses one.
        user.id = self.FIRST_ID
        user.is_staff = user.is_superuser = True
        user.save(force_insert=True)
        advance_ids(User)
        return user
