"""The URLs of light schedules, under /light/. Templates and tests use their names."""

from django.urls import path

from cages.views.light.places import CageLightView, PeriodRemoveView, RoomLightView
from cages.views.light.schedules import LightView, ScheduleCreateView, ScheduleRemoveView

urlpatterns = [
    path("", LightView.as_view(), name="light"),
    path("new/", ScheduleCreateView.as_view(), name="light-schedule-create"),
    path("schedules/<int:pk>/remove/", ScheduleRemoveView.as_view(), name="light-schedule-remove"),
    path("rooms/<int:pk>/", RoomLightView.as_view(), name="room-light"),
    path("cages/<int:pk>/", CageLightView.as_view(), name="cage-light"),
    path("periods/<int:pk>/remove/", PeriodRemoveView.as_view(), name="light-period-remove"),
]
