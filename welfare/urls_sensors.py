"""The URL of the fleet of sensors, under /sensors/. Templates and tests use its name."""

from django.urls import path

from welfare.views.sensors import FleetView

urlpatterns = [path("", FleetView.as_view(), name="sensor-fleet")]
