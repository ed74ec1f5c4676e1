"""The URLs of the eyes-on ledger, below looks/."""

from django.urls import path

from welfare.views.looks import LooksFileView, LooksView

urlpatterns = [
    path("", LooksView.as_view(), name="looks"),
    path("file/", LooksFileView.as_view(), name="looks-file"),
]
