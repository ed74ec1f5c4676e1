"""The URLs of the animals of one cage, below cages/<id>/animals/."""

from django.urls import path

from cages.views.animals.housing import HousingView
from cages.views.animals.pages import AnimalCreateView, AnimalView, CageAnimalsView

urlpatterns = [
    path("", CageAnimalsView.as_view(), name="cage-animals"),
    path("new/", AnimalCreateView.as_view(), name="animal-create"),
    path("housings/<int:housing>/", HousingView.as_view(), name="animal-housing"),
    path("<int:animal>/", AnimalView.as_view(), name="animal-edit"),
]
