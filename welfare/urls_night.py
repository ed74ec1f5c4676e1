"""The URLs of the night sheets, below night/."""

from django.urls import path

from welfare.views.night import NightView, SheetPaperView, SheetView

urlpatterns = [
    path("", NightView.as_view(), name="night"),
    # The day on which the lights went on.
    path("<int:pk>/<str:day>/", SheetView.as_view(), name="night-sheet"),
    path("<int:pk>/<str:day>/pdf/", SheetPaperView.as_view(), name="night-sheet-pdf"),
]
