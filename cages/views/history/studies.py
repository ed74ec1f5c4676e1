"""Study packages: the list, a new one, one of them, and its file."""

from typing import Any

from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.generic import FormView, TemplateView

from cages.exporting.study.checking import in_words, pieces_of
from cages.exporting.study.order import StudyOrder
from cages.forms.study import StudyForm
from cages.models import Cage, Study
from cages.models.study import StudyQuerySet
from cages.views.access import CageAccessMixin
from cages.views.history.exporting import ExportMixin

ROWS_A_PAGE = 50


class StudyMixin(CageAccessMixin):
    """A study is found by whoever sees all of its cages."""

    @property
    def studies(self) -> StudyQuerySet:
        return Study.objects.seen_by(self.access, Cage.objects.all())


class StudyListView(StudyMixin, TemplateView):
    template_name = "cages/studies/list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        studies = self.studies.defer("order", "contents")
        page = Paginator(studies, ROWS_A_PAGE).get_page(self.request.GET.get("page"))
        return super().get_context_data(page_obj=page, studies=page.object_list, **kwargs)


class StudyCreateView(ExportMixin, FormView):
    """The URL says which cages, as that of an export does."""

    template_name = "cages/studies/new.html"
    form_class = StudyForm

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        cages = self.chosen.order_by("pk").values_list("pk", "label", "created_at")
        self.cages = list(cages)

    def get_form_kwargs(self) -> dict[str, Any]:
        data = self.request.POST if self.request.method == "POST" else None
        return {"data": data, "span": self.span, "cages": self.cages, "now": self.now}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        labels = [label for _pk, label, _created_at in self.cages[:5]]
        return super().get_context_data(
            count=len(self.cages),
            first_labels=labels,
            query=self.request.GET.urlencode(),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.cages:
            return redirect("study-list")
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: StudyForm) -> HttpResponse:
        person = self.access.person
        with transaction.atomic():
            study = Study.objects.create(
                title=form.cleaned_data["title"],
                by=person.get_username(),
                made_by=person,
                made_at=self.now,
                order=form.order.to_json(),
            )
            study.cages.set([pk for pk, *_rest in self.cages])
        return redirect("study-detail", pk=study.pk)


class StudyDetailView(StudyMixin, TemplateView):
    template_name = "cages/studies/detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        study = get_object_or_404(self.studies, pk=self.kwargs["pk"])
        order = StudyOrder.of(study)
        return super().get_context_data(
            study=study,
            order=order,
            labels=", ".join(label for _pk, label, _created_at in order.cages),
            gone=", ".join(label for _pk, label, _created_at in order.gone),
            differences=in_words(study.differences),
            files=study.contents.get("files", {}).items(),
            **kwargs,
        )


class StudyFileView(ExportMixin, StudyMixin):
    """The package. It is made while it is sent."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        study = get_object_or_404(self.studies, pk=pk)
        self.format, self.form_address = "zip", reverse("study-detail", args=[pk])
        return self.sent(pieces_of(study, self.now), f"neurocage-{study.name}")
