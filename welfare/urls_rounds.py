"""The URLs of rounds, below rounds/."""

from django.urls import path

from welfare.views.rounds import (
    ArrivalsView,
    RoundCageView,
    RoundsView,
    RoundView,
    WorkerView,
)

urlpatterns = [
    path("", RoundsView.as_view(), name="round-list"),
    path("<int:pk>/", RoundView.as_view(), name="round"),
    # On the cards of cages.
    path("cage/<int:pk>/", RoundCageView.as_view(), name="round-cage"),
    path("arrivals/", ArrivalsView.as_view(), name="round-arrivals"),
    path("worker.js", WorkerView.as_view(), name="round-worker"),
]
