"""The URLs of the marks, below marks/."""

from django.urls import path

from cages.views.marks.kinds import MarkKindEditView, MarkKindsView
from cages.views.marks.list import MarkExportView, MarkListView
from cages.views.marks.noting import (
    MarkCreateView,
    MarkDetailView,
    MarkEditView,
    MarkEndView,
    MarkWithdrawView,
)

urlpatterns = [
    path("", MarkListView.as_view(), name="mark-list"),
    path("file/", MarkExportView.as_view(), name="mark-export"),
    path("new/", MarkCreateView.as_view(), name="mark-create"),
    path("kinds/", MarkKindsView.as_view(), name="mark-kinds"),
    path("kinds/<int:pk>/", MarkKindEditView.as_view(), name="mark-kind-edit"),
    path("<int:pk>/", MarkDetailView.as_view(), name="mark-detail"),
    path("<int:pk>/edit/", MarkEditView.as_view(), name="mark-edit"),
    path("<int:pk>/end/", MarkEndView.as_view(), name="mark-end"),
    path("<int:pk>/withdraw/", MarkWithdrawView.as_view(), name="mark-withdraw"),
]
