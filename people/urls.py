"""The URLs of the app's pages. Templates and tests use their names."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from people.views.accounts import (
    ChangePasswordView,
    RegisterView,
    SetupView,
    SignInView,
    session,
)
from people.views.changes import ChangesFileView, ChangesView
from people.views.labs import LabsView, LabView
from people.views.preferences import PreferencesView
from people.views.sign_in import ActsExportView, AllActsView, LockEndView, OwnActsView
from people.views.tokens import PeoplesTokensView, TokenRevokeView, TokensView

urlpatterns = [
    # The names by which allauth's own code finds these pages. The others of allauth are not there.
    path("accounts/login/", SignInView.as_view(), name="account_login"),
    path("accounts/logout/", LogoutView.as_view(), name="account_logout"),
    path("accounts/login/", SignInView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/password/", ChangePasswordView.as_view(), name="password-change"),
    path("accounts/register/", RegisterView.as_view(), name="register"),
    path("accounts/acts/", OwnActsView.as_view(), name="sign-in-acts"),
    path("accounts/acts/all/", AllActsView.as_view(), name="sign-in-acts-all"),
    path("accounts/acts/all.csv", ActsExportView.as_view(), name="sign-in-acts-export"),
    path("accounts/acts/end-lock/", LockEndView.as_view(), name="sign-in-lock-end"),
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
