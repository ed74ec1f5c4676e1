"""The URLs of the app's pages. Templates and tests use their names."""

from django.urls import include, path
from django.views.generic import RedirectView

from cages.views.animals.importing import AnimalImportView
from cages.views.cages.archive import ArchiveView, PurgeView, RestoreView
from cages.views.cages.bulk import BulkView
from cages.views.cages.cards import CardsView
from cages.views.cages.changes import CageChangesFileView, CageChangesView
from cages.views.cages.detail import CageDetailView
from cages.views.cages.edit import CageCreateView, CageUpdateView, SensorTestView
from cages.views.cages.importing import ImportTemplateView, ImportView
from cages.views.cages.list import ArchivedListView, CageListView
from cages.views.cages.move import MoveView
from cages.views.history.circadian import ExportCircadianView
from cages.views.history.exporting import (
    DictionaryView,
    ExportAnimalsView,
    ExportCagesView,
    ExportFileView,
    ExportTableView,
    ExportView,
)
from cages.views.history.pages import CageHistoryView, CompareView
from cages.views.history.rhythm import CageRhythmView, GroupRhythmView
from cages.views.places.racks import (
    RackDetailView,
    RackFillView,
    RackIndexView,
    RackSheetView,
    RackSizeView,
    RoomEditView,
)
from cages.views.places.wall import WallScreenView, WallView
from cages.views.places.wall_links import WallLinkRevokeView, WallLinksView
from cages.views.site.api_examples import ApiExamplesView
from cages.views.site.live import WatchView
from cages.views.site.operations import OperationsView, healthz, prometheus, readyz
from cages.views.site.styleguide import StyleGuideView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="cage-list"), name="home"),
    path("cages/", CageListView.as_view(), name="cage-list"),
    path("cages/new/", CageCreateView.as_view(), name="cage-create"),
    path("cages/bulk/", BulkView.as_view(), name="cage-bulk"),
    path("cages/cards/", CardsView.as_view(), name="cage-cards"),
    path("cages/compare/", CompareView.as_view(), name="cage-compare"),
    path("cages/export/", ExportView.as_view(), name="cage-export"),
    path("cages/export/file/", ExportFileView.as_view(), name="cage-export-file"),
    path("cages/export/cages/", ExportCagesView.as_view(), name="cage-export-cages"),
    path("cages/export/animals/", ExportAnimalsView.as_view(), name="cage-export-animals"),
    path("cages/export/dictionary.csv", DictionaryView.as_view(), name="cage-export-dictionary"),
    path("cages/export/table/", ExportTableView.as_view(), name="cage-export-table"),
    path("cages/export/circadian/", ExportCircadianView.as_view(), name="cage-export-circadian"),
    path("cages/import/", ImportView.as_view(), name="cage-import"),
    path("cages/import/template.xlsx", ImportTemplateView.as_view(), name="cage-import-template"),
    path(
        "cages/import/template.csv",
        ImportTemplateView.as_view(format="csv"),
        name="cage-import-template-csv",
    ),
    path("cages/archived/", ArchivedListView.as_view(), name="cage-archived"),
    path("cages/<int:pk>/", CageDetailView.as_view(), name="cage-detail"),
    path("cages/<int:pk>/history/", CageHistoryView.as_view(), name="cage-history"),
    path("animals/import/", AnimalImportView.as_view(), name="animal-import"),
    path("cages/<int:pk>/animals/", include("cages.urls_animals")),
    path("cages/<int:pk>/rhythm/", CageRhythmView.as_view(), name="cage-rhythm"),
    path("rhythm/", GroupRhythmView.as_view(), name="cage-rhythms"),
    path("cages/<int:pk>/edit/", CageUpdateView.as_view(), name="cage-edit"),
    path("cages/<int:pk>/test-sensor/", SensorTestView.as_view(), name="cage-test-sensor"),
    path("cages/<int:pk>/archive/", ArchiveView.as_view(), name="cage-archive"),
    path("cages/<int:pk>/restore/", RestoreView.as_view(), name="cage-restore"),
    path("cages/<int:pk>/purge/", PurgeView.as_view(), name="cage-purge"),
    path("cages/<int:pk>/changes/", CageChangesView.as_view(), name="cage-changes"),
    path("cages/<int:pk>/changes/file/", CageChangesFileView.as_view(), name="cage-changes-file"),
    path("cages/<int:pk>/move/", MoveView.as_view(), name="cage-move"),
    path("racks/", RackIndexView.as_view(), name="rack-index"),
    path("racks/<int:pk>/", RackDetailView.as_view(), name="rack-detail"),
    path("racks/<int:pk>/size/", RackSizeView.as_view(), name="rack-size"),
    path("racks/<int:pk>/sheet/", RackSheetView.as_view(), name="rack-sheet"),
    path("racks/<int:pk>/fill/", RackFillView.as_view(), name="rack-fill"),
    path("rooms/<int:pk>/edit/", RoomEditView.as_view(), name="room-edit"),
    path("wall/", WallView.as_view(), name="wall"),
    path("wall/links/", WallLinksView.as_view(), name="wall-links"),
    path("wall/links/revoke/", WallLinkRevokeView.as_view(), name="wall-link-revoke"),
    path("screen/<str:secret>/", WallScreenView.as_view(), name="wall-screen"),
    path("api/", ApiExamplesView.as_view(), name="api-examples"),
    path("watch/", WatchView.as_view(), name="watch"),
    path("styleguide/", StyleGuideView.as_view(), name="styleguide"),
    path("ops/", OperationsView.as_view(), name="ops"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", prometheus, name="metrics"),
]
