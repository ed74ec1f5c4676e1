"""Rules: how they are set, what that would mean, and who approves it."""

from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.mixins import UserPassesTestMixin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView, View

from cages.clock import now_of
from cages.history.span import NIGHT
from cages.models import Cage
from cages.views.site.long_pages import LongPageMixin
from neurocage.ids import id_from
from people.access import Access, Permission, others_who_approve, person_of
from people.acting import because
from people.views.permitted import PermittedMixin
from welfare.forms.rule import RULES_MOST, NewRuleForm, RuleForm
from welfare.models import Kind, Rule, RuleEdition
from welfare.rules import editions
from welfare.rules.figures import in_words, number_in_words
from welfare.rules.parameters import BadLong, Parameters, unpack
from welfare.rules.scopes import cages_of

# The days of a back-test that can be chosen.
BACK_TEST_DAYS = (7, 30, 90)
EDITIONS_SHOWN = 50
# The false-alarm rate is told for so many cages where the facility has none yet.
USUAL_CAGES = 500


class RulesMixin(UserPassesTestMixin, View):
    """Pages for those who set rules and those who approve them. Others get 403."""

    @cached_property
    def access(self) -> Access:
        return Access(person_of(self.request))

    def test_func(self) -> bool:
        return self.access.sees_rules

    @property
    def rules(self) -> QuerySet[Rule]:
        """Those that the person sees: a vet of a lab those of the facility and of their cages."""
        rules = Rule.objects.select_related("room", "lab")
        if self.access.approves_every_rule:
            return rules
        rooms = self.access.sees(Cage.objects.active()).order_by().values("room")
        own = Q(lab__in=self.access.labs_as_vet) | Q(room__in=rooms)
        return rules.filter(own | Q(lab=None, room=None))


class RuleListView(RulesMixin, TemplateView):
    """All rules, each as it is in force, and what waits for a second person."""

    template_name = "welfare/rules/list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = now_of(self.request)
        # What is in force, what will be from the next slot on, and what waits.
        shown = RuleEdition.objects.filter(refused_at=None).filter(
            Q(ended_at=None) | Q(ended_at__gt=now)
        )
        told = Prefetch(
            "editions", shown.select_related("proposed_by", "approved_by"), to_attr="told"
        )
        rules = self.rules.prefetch_related(told)
        order = list(Kind)
        rows = [_row(rule, cast(Any, rule).told) for rule in rules[:RULES_MOST]]
        rows.sort(key=lambda row: (order.index(row["kind"]), row["scope"], row["rule"].pk))
        return super().get_context_data(rows=rows, **kwargs)


def _row(rule: Rule, told: list[RuleEdition]) -> dict[str, Any]:
    kind = Kind(rule.kind)
    begun = [edition for edition in told if edition.in_force_since]
    newest = max(begun, key=lambda edition: cast(datetime, edition.in_force_since), default=None)
    return {
        "rule": rule,
        "kind": kind,
        "scope": scope_of(rule),
        "edition": newest,
        "figures": in_words(kind, unpack(kind, newest.parameters)) if newest else "",
        "waits": any(edition.in_force_since is None for edition in told),
    }


def scope_of(rule: Rule) -> str:
    """The room or the lab of a rule; "" for the facility's."""
    if rule.room:
        return _("room %(name)s") % {"name": rule.room.name}
    return _("lab %(name)s") % {"name": rule.lab.name} if rule.lab else ""


class RuleCreateView(PermittedMixin, FormView):
    """Choose for what a new rule is. Until it is proposed and approved, it changes nothing."""

    template_name = "welfare/rules/new.html"
    permission = Permission.RULES
    form_class = NewRuleForm

    def form_valid(self, form: NewRuleForm) -> HttpResponse:
        chosen = {name: form.cleaned_data[name] for name in ("kind", "room", "lab")}
        rule, _made = Rule.objects.get_or_create(**chosen)
        return redirect("rule-edit", rule.pk)


class OneRuleMixin(RulesMixin):
    """A view of one rule: `self.rule`, and `self.in_force`, its edition of the next slot."""

    @cached_property
    def rule(self) -> Rule:
        return get_object_or_404(self.rules, pk=self.kwargs["pk"])

    @property
    def kind(self) -> Kind:
        return Kind(self.rule.kind)

    @cached_property
    def in_force(self) -> RuleEdition | None:
        return self.rule.editions.filter(in_force_since__isnull=False, ended_at=None).first()

    def rate_of(self, parameters: Parameters) -> dict[str, Any]:
        """What `_rate.html` shows. Only "Bad for long" has a rate by chance."""
        if not isinstance(parameters, BadLong):
            return {}
        # numpy is loaded where pages reckon with it, and by no other process.
        from welfare.rules.rates import FACILITY_DAYS, facility_shares, rate_of

        shares = facility_shares(now_of(self.request))
        cages = cages_of(self.rule).count() or USUAL_CAGES
        rate = rate_of(parameters, shares.bad, shares.missing)
        of_all = rate.of(cages)
        return {
            "one": number_in_words(rate.a_day),
            "of_all": number_in_words(of_all.a_day),
            "error": "" if of_all.error is None else number_in_words(of_all.error),
            "cages": cages,
            "shares": shares,
            "bad_percent": 100 * shares.bad,
            "missing_percent": 100 * shares.missing,
            "days": FACILITY_DAYS,
        }


class RuleEditView(OneRuleMixin, LongPageMixin, TemplateView):
    """One rule: how it is set, what a change would mean, and who changed it before.

    The button that is pressed says what is wanted: the rate, a back-test, or to propose it.
    """

    template_name = "welfare/rules/edit.html"

    def takes_long(self) -> bool:
        return self.request.method == "POST" and "try" in self.request.POST

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = RuleForm(kind=self.kind, initial=RuleForm.initial_of(self.in_force, self.kind))
        shown = form.initial
        stored = {name: shown[name] for name in form.parameter_names}
        return self._page(form, unpack(self.kind, stored))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = RuleForm(request.POST, kind=self.kind)
        if not form.is_valid():
            return self._page(form, None)
        if "propose" in request.POST:
            return self._propose(form)
        tried = self._tried(form) if "try" in request.POST else None
        return self._page(form, form.parameters, tried=tried)

    def _propose(self, form: RuleForm) -> HttpResponse:
        person = self.access.person
        if not self.access.may(Permission.RULES):
            raise PermissionDenied
        if not form.cleaned_data["reason"]:
            form.add_error("reason", _("Say why the rule is changed."))
            return self._page(form, None)
        with because(form.cleaned_data["reason"]):
            edition = editions.propose(
                self.rule,
                person,
                form.parameters,
                form.texts,
                form.cleaned_data["is_on"],
                now_of(self.request),
            )
        said = (
            _("The rule is in force from the next minute on.")
            if edition.in_force_since
            else _("The rule is proposed. Another administrator or a vet has to approve it.")
        )
        messages.success(self.request, said)
        return redirect("rule-edit", self.rule.pk)

    def _tried(self, form: RuleForm) -> Any:
        from welfare.rules.back_test import back_test

        days = id_from(self.request.POST.get("days", "")) or 0
        if days not in BACK_TEST_DAYS or not isinstance(form.parameters, BadLong):
            return None
        judged_by, now = self._judged_by(), now_of(self.request)
        seen = self.access.sees(Cage.objects.all())
        return back_test(self.rule, form.parameters, judged_by, days, now, seen)

    def _judged_by(self) -> BadLong | None:
        """What judges the cages of the rule now: the rule itself, else that of the facility."""
        edition = (
            self.in_force
            or RuleEdition.objects.in_force(now_of(self.request))
            .filter(rule__kind=self.rule.kind, rule__room=None, rule__lab=None)
            .first()
        )
        if edition is None or not edition.is_on:
            return None
        return cast(BadLong, unpack(self.kind, edition.parameters))

    def _page(
        self, form: RuleForm, parameters: Parameters | None, tried: Any = None
    ) -> HttpResponse:
        person = self.access.person
        trail = self.rule.editions.select_related("proposed_by", "approved_by").order_by("-pk")
        shown: list[dict[str, Any]] = [
            {"edition": one, "figures": in_words(self.kind, unpack(self.kind, one.parameters))}
            for one in trail[:EDITIONS_SHOWN]
        ]
        waiting = [one for one in shown if _waits(one["edition"])]
        others = others_who_approve(person, self.rule.lab_id)
        return self.render_to_response(
            self.get_context_data(
                form=form,
                rule=self.rule,
                scope=scope_of(self.rule),
                in_force=self.in_force,
                rate=self.rate_of(parameters) if parameters else {},
                has_rate=self.kind == Kind.BAD_LONG,
                tried=tried,
                night=NIGHT,
                days=BACK_TEST_DAYS,
                days_chosen=tried.days if tried else BACK_TEST_DAYS[1],
                editions=shown,
                waiting=waiting[0] if waiting else None,
                is_own=bool(waiting) and waiting[0]["edition"].proposed_by_id == person.pk,
                needs_second=others,
                decides=self.access.approves_rule_of(self.rule.lab_id),
            )
        )


def _waits(edition: RuleEdition) -> bool:
    return edition.in_force_since is None and edition.refused_at is None


class RuleRateView(OneRuleMixin):
    """The rate for parameters that are being typed; nothing while they make no sense."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = RuleForm(request.GET, kind=self.kind)
        rate = self.rate_of(form.parameters) if form.is_valid() else {}
        return TemplateResponse(request, "welfare/rules/_rate.html", {"rate": rate})


class RuleDecideView(OneRuleMixin):
    """Approve or refuse what was proposed. 403 for those who only see the rule."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.access.approves_rule_of(self.rule.lab_id):
            raise PermissionDenied
        number = id_from(request.POST.get("edition", "")) or 0
        if not self.rule.editions.filter(pk=number).exists():
            raise Http404("No such edition.")
        person, now = self.access.person, now_of(request)
        try:
            if "approve" in request.POST:
                editions.approve(number, person, now)
                messages.success(request, _("The rule is in force from the next minute on."))
            elif "refuse" in request.POST:
                editions.refuse(number, person, now)
                messages.success(request, _("The proposal is refused. Nothing has changed."))
        except editions.Decided:
            messages.error(request, _("Somebody has decided this already, or proposed another."))
        except editions.OwnProposal:
            messages.error(request, _("You proposed this yourself. Somebody else approves it."))
        return redirect("rule-edit", self.rule.pk)
