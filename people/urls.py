"""The URLs of accounts, preferences and tokens. Templates and tests use their names.

Of allauth only the pages that are named here exist. It finds them by its own names, which begin
with "account_".
"""

from allauth.account import views as allauth_views
from allauth.mfa.base import views as mfa_views
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from django.contrib.auth.views import LogoutView
from django.urls import path, re_path
from django.views.decorators.http import require_POST

from people.views.accounts import RegisterView, SetupView, SignInView, session, where_mail_is_set
from people.views.changes import ChangesFileView, ChangesView
from people.views.labs import LabsView, LabView
from people.views.oidc import OidcCallbackView, OidcStartView
from people.views.passkeys import (
    AddPasskeyView,
    ConfirmPasskeyView,
    NamePasskeyView,
    PasskeySignInView,
    PasskeysView,
    RemovePasskeyView,
    SecondFactorView,
)
from people.views.preferences import PreferencesView
from people.views.registrations import RegistrationsView
from people.views.sessions import SessionsView
from people.views.sign_in_acts import ActsExportView, AllActsView, EndLockView, OwnActsView
from people.views.tokens import PeoplesTokensView, TokenRevokeView, TokensView

sign_in, sign_out = SignInView.as_view(), LogoutView.as_view()

urlpatterns = [
    path("accounts/login/", sign_in, name="account_login"),
    path("accounts/login/", sign_in, name="login"),
    # Where allauth goes after a new password was set.
    path("accounts/login/", sign_in, name="account_reset_password_from_key_done"),
    path("accounts/logout/", sign_out, name="logout"),
    # Also for who has given the password and not yet the code.
    path("accounts/cancel/", require_POST(allauth_views.logout), name="account_logout"),
    path("accounts/factor/", mfa_views.index, name="mfa_index"),
    path("accounts/factor/code/", SecondFactorView.as_view(), name="mfa_authenticate"),
    path("accounts/factor/confirm/", mfa_views.reauthenticate, name="mfa_reauthenticate"),
    path("accounts/factor/add/", totp_views.activate_totp, name="mfa_activate_totp"),
    path("accounts/factor/remove/", totp_views.deactivate_totp, name="mfa_deactivate_totp"),
    path(
        "accounts/factor/recovery/",
        recovery_views.view_recovery_codes,
        name="mfa_view_recovery_codes",
    ),
    path(
        "accounts/factor/recovery/new/",
        recovery_views.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path("accounts/oidc/", OidcStartView.as_view(), name="oidc-start"),
    path("accounts/oidc/callback/", OidcCallbackView.as_view(), name="oidc-callback"),
    path("accounts/passkey/", PasskeySignInView.as_view(), name="mfa_login_webauthn"),
    path("accounts/passkeys/", PasskeysView.as_view(), name="mfa_list_webauthn"),
    path("accounts/passkeys/add/", AddPasskeyView.as_view(), name="mfa_add_webauthn"),
    path(
        "accounts/passkeys/confirm/",
        ConfirmPasskeyView.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    path("accounts/passkeys/<int:pk>/", NamePasskeyView.as_view(), name="mfa_edit_webauthn"),
    path(
        "accounts/passkeys/<int:pk>/remove/",
        RemovePasskeyView.as_view(),
        name="mfa_remove_webauthn",
    ),
    path(
        "accounts/password/change/", allauth_views.password_change, name="account_change_password"
    ),
    path("accounts/password/set/", allauth_views.password_set, name="account_set_password"),
    path("accounts/confirm/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path(
        "accounts/password/reset/",
        where_mail_is_set(allauth_views.password_reset),
        name="account_reset_password",
    ),
    path(
        "accounts/password/reset/sent/",
        where_mail_is_set(allauth_views.password_reset_done),
        name="account_reset_password_done",
    ),
    re_path(
        "^accounts/password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        where_mail_is_set(allauth_views.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("accounts/mail/", where_mail_is_set(allauth_views.email), name="account_email"),
    path(
        "accounts/mail/sent/",
        where_mail_is_set(allauth_views.email_verification_sent),
        name="account_email_verification_sent",
    ),
    path(
        "accounts/mail/<str:key>/",
        where_mail_is_set(allauth_views.confirm_email),
        name="account_confirm_email",
    ),
    path("accounts/sessions/", SessionsView.as_view(), name="sessions"),
    path("accounts/sign-ins/", OwnActsView.as_view(), name="sign-in-acts"),
    path("accounts/sign-ins/all/", AllActsView.as_view(), name="all-sign-in-acts"),
    path("accounts/sign-ins/all.csv", ActsExportView.as_view(), name="sign-in-acts-export"),
    path("accounts/sign-ins/end-lock/", EndLockView.as_view(), name="end-lock"),
    path("accounts/waiting/", RegistrationsView.as_view(), name="registrations"),
    path("accounts/register/", RegisterView.as_view(), name="register"),
    path("accounts/session/", session, name="session"),
    path("setup/", SetupView.as_view(), name="setup"),
    path("changes/", ChangesView.as_view(), name="changes"),
    path("changes/file/", ChangesFileView.as_view(), name="changes-file"),
    path("preferences/", PreferencesView.as_view(), name="preferences"),
    path("labs/", LabsView.as_view(), name="labs"),
    path("labs/<int:pk>/", LabView.as_view(), name="lab"),
    path("tokens/", TokensView.as_view(), name="tokens"),
    path("tokens/people/", PeoplesTokensView.as_view(), name="peoples-tokens"),
    path("tokens/revoke/", TokenRevokeView.as_view(), name="token-revoke"),
]
