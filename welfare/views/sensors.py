"""The fleet of sensors: what answers worse than it used to, and where."""

from typing import Any

from django.views.generic import TemplateView

from cages.views.site.live import LiveMixin
from people.access import Permission
from people.views.permitted import PermittedMixin
from welfare import fleet
from welfare.rules.parameters import SensorWeak


class FleetView(PermittedMixin, LiveMixin, TemplateView):
    """All sensors, by room and by rack, the worst of them, and bays with a fault of their own."""

    template_name = "welfare/sensors.html"
    permission = Permission.OPERATIONS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            fleet=fleet.fleet(),
            least_requests=SensorWeak().least_requests,
            hours=SensorWeak().hours,
            usual_days=SensorWeak().usual_days,
            sigmas=SensorWeak().sigmas,
            bays_days=fleet.BAYS_KEPT.days,
            cages_of_a_bad_bay=fleet.CAGES_OF_A_BAD_BAY,
            **kwargs,
        )
