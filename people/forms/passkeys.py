"""Add and rename a passkey, and sign in with it."""

import re
from typing import Any

from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as webauthn_forms
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from people.forms.accounts import Plain, plain_helper
from people.locks import refuse_if_address_locked, refuse_if_locked
from people.models import Act, Registration, SignInAct
from people.passkeys import AT_MOST

NAME_LENGTH = 100
# What is noted of a passkey that opens no account. No account has a name with a blank.
NOTED_AS = "unknown passkey"
# What the parsers of allauth and fido2 raise for a body that no browser sends.
MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
BASE64 = re.compile(r"[A-Za-z0-9_-]+=*")


def _not_accepted() -> forms.ValidationError:
    return forms.ValidationError(_("This passkey was not accepted."), code="wrong")


class AddPasskeyForm(Plain, webauthn_forms.SignupWebAuthnForm):
    """A passkey that a browser has just made."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=NAME_LENGTH, required=False)

    def clean(self) -> dict[str, Any]:
        own = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.WEBAUTHN)
        if own.count() >= AT_MOST:
            raise forms.ValidationError(_("You have too many passkeys. Remove one first."))
        try:
            cleaned: dict[str, Any] = super().clean() or {}
            if "credential" in cleaned:
                cleaned["credential"] = _needed_of(cleaned["credential"])
        except MALFORMED:
            raise _not_accepted() from None
        return cleaned


def _needed_of(credential: dict[str, Any]) -> dict[str, Any]:
    """What is read again at a sign-in. Raises ValueError for text that is not base64.

    The rest of what was posted may be long, or hold what the database refuses.
    """
    response = {
        name: credential["response"][name] for name in ("clientDataJSON", "attestationObject")
    }
    ids = {name: credential[name] for name in ("id", "rawId")}
    if not all(BASE64.fullmatch(text) for text in (*response.values(), *ids.values())):
        raise ValueError("Not base64.")
    return {
        **ids,
        "type": "public-key",
        "response": response,
        "clientExtensionResults": {"credProps": {"rk": True}},
    }


class NamePasskeyForm(Plain, webauthn_forms.EditWebAuthnForm):
    helper = plain_helper(gettext_lazy("Save"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=NAME_LENGTH)


class _PasskeyForm(webauthn_forms.AuthenticateWebAuthnForm):
    """A passkey of a person who is known, limited as a password is."""

    def clean_credential(self) -> Authenticator:
        refuse_if_locked(context.request, self.user.username)
        try:
            return super().clean_credential()
        except (forms.ValidationError, *MALFORMED):
            SignInAct.objects.note(Act.FAILED, context.request, person=self.user)
            raise _not_accepted() from None


class SecondPasskeyForm(_PasskeyForm):
    """Asked after the password."""


class ConfirmPasskeyForm(_PasskeyForm, webauthn_forms.ReauthenticateWebAuthnForm):
    """Asked of a person who is signed in."""


class PasskeySignInForm(webauthn_forms.LoginWebAuthnForm):
    """A passkey in place of name, password and second factor."""

    def clean_credential(self) -> Authenticator:
        """The passkey, of a person who may sign in.

        A wrong one counts for the address only. A signature cannot be guessed, and anybody could
        lock an account whose number they name. So whether an account is locked is told only to who
        has its passkey.
        """
        try:
            passkey: Authenticator = super().clean_credential()
        except (forms.ValidationError, *MALFORMED):
            passkey = None
        person = passkey and passkey.user
        waits = person and Registration.objects.filter(person=person).exists()
        if not person or not person.is_active or waits:
            refuse_if_address_locked(context.request)
            SignInAct.objects.note(Act.FAILED, context.request, name=NOTED_AS)
            raise _not_accepted()
        refuse_if_locked(context.request, person.username)
        return passkey
