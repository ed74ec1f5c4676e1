"""The URLs of the desk, under /concerns/. Templates and tests use their names."""

from django.urls import path

from welfare.views.concern import ConcernCreateView, ConcernView
from welfare.views.desk import ClosedView, DeskView
from welfare.views.exporting import ConcernExportView
from welfare.views.quality import QualityView

urlpatterns = [
    path("", DeskView.as_view(), name="concern-list"),
    path("new/", ConcernCreateView.as_view(), name="concern-create"),
    path("closed/", ClosedView.as_view(), name="concern-closed"),
    path("export/", ConcernExportView.as_view(), name="concern-export"),
    path("quality/", QualityView.as_view(), name="concern-quality"),
    path("<int:pk>/", ConcernView.as_view(), name="concern-detail"),
]
