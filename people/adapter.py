"""How allauth works in Neurocage: its addresses, its mails and its messages."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from neurocage.address import absolute
from people.addresses import UNKNOWN_ADDRESS, address_of
from people.locks import refuse_if_locked
from people.mail import send_later
from people.models.registration import Registration
from people.models.sign_in import Act, SignInAct
from people.passkeys import relying_party
from people.sealing import seal, unseal

# Of allauth's messages, beside its errors. The others say what the next page shows anyway.
SHOWN_MESSAGES = frozenset(
    {
        "account/messages/password_changed.txt",
        "account/messages/password_set.txt",
        "account/messages/email_confirmation_sent.txt",
        "account/messages/email_confirmed.txt",
    }
)


class AccountAdapter(DefaultAccountAdapter):
    """allauth's own, with Neurocage's addresses and without what it does not use."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """False: `people.views.accounts` registers people."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Whether the address is one of this site, given without a host."""
        # A person who presses "Sign out" after the session has ended is asked to sign in first.
        # The page after that must not be the sign-out, which takes no GET.
        is_page = bool(url) and url != reverse("logout")
        return is_page and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse(settings.LOGIN_REDIRECT_URL)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse(settings.LOGIN_REDIRECT_URL)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if level >= messages.ERROR or message_template in SHOWN_MESSAGES:
            super().add_message(request, level, message_template, *args, **kwargs)

    def get_client_ip(self, request: HttpRequest) -> str:
        # A session is listed with an address, so one that is not known needs one too.
        return address_of(request) or UNKNOWN_ADDRESS

    def get_from_email(self) -> str:
        return settings.EMAIL_SENDER

    def format_email_subject(self, subject: str) -> str:
        return f"Neurocage: {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        send_later(self.render_mail(template_prefix, email, context))

    def get_reset_password_from_key_url(self, key: str) -> str:
        person, _dash, token = key.partition("-")
        return absolute(reverse("account_reset_password_from_key", args=[person, token]))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return absolute(reverse("account_confirm_email", args=[emailconfirmation.key]))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Nothing: `authenticate` counts, in the database."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """The person with this name and password, or None.

        Raises ValidationError while the account or the address is locked, before any password is
        compared.
        """
        name = str(credentials.get("username") or credentials.get("email") or "")
        meant = refuse_if_locked(request, name)
        person: Any = super().authenticate(request, **credentials)
        if person and Registration.objects.filter(person=person.pk).exists():
            raise ValidationError(_("Your account waits for an administrator."), code="waiting")
        # allauth also gives who may not sign in, for a page of its own. Here that person is told
        # the same as after a wrong password.
        if person is None or not person.is_active:
            SignInAct.objects.note(Act.FAILED, request, name=name, person=meant)
            return None
        return person

    def _rollback_login_failed_rl_usage(self) -> None:
        """Nothing: `pre_authenticate` uses none of allauth's limits."""


class FactorAdapter(DefaultMFAAdapter):
    """allauth's own, with passkeys of the facility's own address, and secrets sealed."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": relying_party(), "name": "Neurocage"}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:
        own = Authenticator.objects.filter(user_id=user.pk, type=type)
        return _("Passkey %(number)d") % {"number": own.count() + 1}
