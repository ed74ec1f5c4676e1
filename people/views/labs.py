"""Labs: which ones a person belongs to, and, for administrators, who else does and as what."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from neurocage.ids import LARGEST_ID, id_from
from people.access import Access, Permission, person_of
from people.forms.labs import HomeForm, LabForm, MemberForm, RoleForm
from people.models import Lab, LabIsFull, LastAdministrator, Membership, Role
from people.models.lab import PEOPLE_AT_MOST
from people.names import search_key

LABS_SHOWN = 100


class LabsView(TemplateView):
    """The labs of the person, and of the facility's administrators every lab, found by name.

    A form, named by `act`: "home" chooses the lab of new cages, "make" makes a lab.
    """

    template_name = "people/labs.html"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.person = person_of(request)
        self.access = Access(self.person)

    def post(self, request: HttpRequest) -> HttpResponse:
        act = request.POST.get("act")
        if act == "home":
            form = HomeForm(request.POST, labs=self.access.homes)
            if form.is_valid():
                Membership.objects.choose_home(self.person, form.cleaned_data["lab"].pk)
                messages.success(request, _("Saved."))
                return redirect("labs")
            return self.render_to_response(self.get_context_data(home=form))
        if act == "make" and self.access.may(Permission.LABS):
            made = LabForm(request.POST)
            if made.is_valid():
                return redirect("lab", made.save().pk)
            return self.render_to_response(self.get_context_data(form=made))
        raise PermissionDenied

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = self.person.memberships.select_related("lab").order_by("lab__name", "lab_id")
        context: dict[str, Any] = {"memberships": own[:LABS_SHOWN], "access": self.access}
        context["managed"] = set(self.access.managed_labs.filter(people=self.person))
        homes = list(self.access.homes[:LABS_SHOWN])
        if len(homes) > 1:
            chosen = {"lab": self.access.new_cages_lab}
            context["home"] = HomeForm(initial=chosen, labs=self.access.homes)
        if self.access.may(Permission.LABS):
            words = self.request.GET.get("q", "").replace("\x00", "")[:100]
            found = Lab.objects.filter(key__blankless__contains=search_key(words))
            shown = list(found.order_by("key", "pk")[: LABS_SHOWN + 1])
            context.update(
                form=LabForm(),
                words=words,
                labs=shown[:LABS_SHOWN],
                has_more=len(shown) > LABS_SHOWN,
            )
        return super().get_context_data(**{**context, **kwargs})


class LabView(TemplateView):
    """The people of one lab. For its administrators: whoever else belongs to it gets 403.

    A form, named by `act`: "invite", "role", "remove" and, for those of the facility, "change".
    """

    template_name = "people/lab.html"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.access = Access(person_of(request))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if kwargs["pk"] > LARGEST_ID:
            raise Http404("No such lab.")
        seen = Q(pk__in=self.access.managed_labs) | Q(people=self.access.person)
        labs = Lab.objects.filter(seen).distinct()
        self.lab = get_object_or_404(labs, pk=kwargs["pk"])
        if not self.access.managed_labs.filter(pk=self.lab.pk).exists():
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        act = {
            "invite": self.invite,
            "role": self.give_role,
            "remove": self.remove,
            "change": self.change,
        }.get(request.POST.get("act", ""))
        if act is None:
            raise PermissionDenied
        try:
            answer = act()
        except LastAdministrator:
            messages.error(
                request, _("This is the last administrator of the lab. Make another one first.")
            )
            answer = None
        except LabIsFull:
            messages.error(request, _("A lab has at most %d people.") % PEOPLE_AT_MOST)
            answer = None
        if answer:
            return answer
        # Who gave up their own role may not come back to this page.
        managed = Access(self.access.person).managed_labs.filter(pk=self.lab.pk)
        return redirect("lab", self.lab.pk) if managed.exists() else redirect("labs")

    def invite(self) -> HttpResponse | None:
        form = MemberForm(self.request.POST)
        if form.is_valid() and self.lab.memberships.filter(person=form.cleaned_data["username"]):
            form.add_error("username", _("This person has a role in the lab already."))
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        person = form.cleaned_data["username"]
        Membership.objects.give_role(self.lab, person, form.cleaned_data["role"])
        messages.success(self.request, _("%s belongs to the lab now.") % person)
        return None

    def give_role(self) -> None:
        form = RoleForm(self.request.POST)
        if not form.is_valid():
            raise PermissionDenied
        member = self._member()
        Membership.objects.give_role(self.lab, member.person, form.cleaned_data["role"])
        messages.success(self.request, _("Saved."))

    def remove(self) -> None:
        member = self._member()
        Membership.objects.remove(self.lab, member.person)
        messages.success(
            self.request, _("%s no longer belongs to the lab.") % member.person.get_username()
        )

    def change(self) -> HttpResponse | None:
        if not self.access.may(Permission.LABS):
            raise PermissionDenied
        form = LabForm(self.request.POST, instance=self.lab)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(lab_form=form))
        form.save()
        messages.success(self.request, _("Saved."))
        return None

    def _member(self) -> Membership:
        number = id_from(self.request.POST.get("person", "")) or 0
        return get_object_or_404(self.lab.memberships.select_related("person"), person=number)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = {
            "lab": self.lab,
            "members": self.lab.memberships.with_names()[:PEOPLE_AT_MOST],
            "roles": Role.choices,
            "form": MemberForm(),
        }
        if self.access.may(Permission.LABS):
            # Its own copy, because a form changes what it is given even if it is not valid.
            context["lab_form"] = LabForm(instance=Lab.objects.get(pk=self.lab.pk))
        return super().get_context_data(**{**context, **kwargs})
