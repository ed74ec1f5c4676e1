"""The URLs of notices, under /notices/. Templates and tests use their names."""

from django.urls import path

from welfare.views.channels import ChannelsView
from welfare.views.drill import DrillView
from welfare.views.duty import DutyView
from welfare.views.exporting import NoticeExportView
from welfare.views.notices import NoticesView, WishView

urlpatterns = [
    path("", NoticesView.as_view(), name="notice-list"),
    path("export/", NoticeExportView.as_view(), name="notice-export"),
    path("wish/", WishView.as_view(), name="notice-wish"),
    path("duty/", DutyView.as_view(), name="notice-duty"),
    path("channels/", ChannelsView.as_view(), name="notice-channels"),
    path("drill/", DrillView.as_view(), name="notice-drill"),
]
