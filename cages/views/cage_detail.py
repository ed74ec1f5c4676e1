"""One cage: what it is, how its animals are today, and how its sensor does today."""

from django.core.paginator import Paginator
from django.views.generic import DetailView

from cages.history.today import health_in, sensor_in
from cages.history.window import Window
from cages.models import Reading, SensorRequest
from cages.views.access import CageAccessMixin
from cages.views.live import LiveMixin

# An hour of minutes a page keeps the whole page small on any day.
ROWS_A_PAGE = 60


class CountedPaginator(Paginator):
    """A paginator that was told how many rows there are, so that it need not count them again."""

    def __init__(self, object_list, per_page, count):
        super().__init__(object_list, per_page)
        self.count = count


class CageDetailView(LiveMixin, CageAccessMixin, DetailView):
    template_name = "cages/detail.html"

    def get_context_data(self, **kwargs):
        cage = self.object
        window = Window.today(self.now)
        sensor = sensor_in(cage, window)
        health = health_in(cage, window, planned=sensor.planned)
        requests = SensorRequest.objects.of(cage, window).with_status()
        readings = Reading.objects.of(cage, window)
        return super().get_context_data(
            window=window,
            health_summary=health,
            sensor=sensor,
            readings=self._page("readings", readings, health.known),
            requests=self._page("requests", requests, sensor.planned),
            **kwargs,
        )

    def _page(self, name, rows, count):
        return CountedPaginator(rows, ROWS_A_PAGE, count).get_page(self.request.GET.get(name))
