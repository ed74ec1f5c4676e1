"""The URLs of the app's pages. Templates and tests use their names."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from people.views.accounts import RegisterView, SetupView, SignInView, session
from people.views.changes import ChangesFileView, ChangesView
from people.views.labs import LabsView, LabView
from people.views.preferences import PreferencesView
from people.views.tokens import PeoplesTokensView, TokenRevokeView, TokensView

urlpatterns = [
    path("accounts/login/", SignInView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
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
