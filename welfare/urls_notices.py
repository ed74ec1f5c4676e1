"""The URLs of notices, under /notices/. Templates and tests use their names."""

from django.urls import path

from welfare.views.notices import NoticesView

urlpatterns = [
    path("", NoticesView.as_view(), name="notice-list"),
]
