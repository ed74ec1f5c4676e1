"""The URLs of study packages, below studies/."""

from django.urls import path

from cages.views.history.studies import (
    StudyCreateView,
    StudyDetailView,
    StudyFileView,
    StudyListView,
)
from cages.views.history.study_groups import StudyGroupsView

urlpatterns = [
    path("", StudyListView.as_view(), name="study-list"),
    path("new/", StudyCreateView.as_view(), name="study-create"),
    path("<int:pk>/", StudyDetailView.as_view(), name="study-detail"),
    path("<int:pk>/groups/", StudyGroupsView.as_view(), name="study-groups"),
    path("<int:pk>/file/", StudyFileView.as_view(), name="study-file"),
]
