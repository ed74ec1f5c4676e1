"""The URLs of the animals of one cage, below cages/<id>/animals/."""

from django.urls import path

from cages.views.animals.pages import AnimalCreateView, AnimalView, CageAnimalsView

urlpatterns = [
    path("", CageAnimalsView.as_view(), name="cage-animals"),
    path("new/", AnimalCreateView.as_view(), name="animal-create"),
    path("<int:animal>/", AnimalView.as_view(), name="animal-edit"),
]
