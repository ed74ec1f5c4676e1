"""The URLs of the rules, under /concerns/rules/. Templates and tests use their names."""

from django.urls import path

from welfare.views.rules import (
    RuleCreateView,
    RuleDecideView,
    RuleEditView,
    RuleListView,
    RuleRateView,
)

urlpatterns = [
    path("", RuleListView.as_view(), name="rule-list"),
    path("new/", RuleCreateView.as_view(), name="rule-create"),
    path("<int:pk>/", RuleEditView.as_view(), name="rule-edit"),
    path("<int:pk>/rate/", RuleRateView.as_view(), name="rule-rate"),
    path("<int:pk>/decide/", RuleDecideView.as_view(), name="rule-decide"),
]
