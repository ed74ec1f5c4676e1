"""People who wait for an account."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from neurocage.address import absolute
from people.access import Permission
from people.mail import send_later
from people.models import Act, Registration, SignInAct, User
from people.models.registration import WAITING_AT_MOST
from people.views.permitted import PermittedMixin


class RegistrationsView(PermittedMixin, TemplateView):
    """Lists who waits. A posted form holds the `person` and the `answer`: approve or refuse."""

    permission = Permission.ACCOUNTS
    template_name = "people/registrations.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        waiting = Registration.objects.select_related("person").order_by("at", "pk")
        return super().get_context_data(waiting=waiting[:WAITING_AT_MOST], **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        number, answer = request.POST.get("person", ""), request.POST.get("answer", "")
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise Http404
        with transaction.atomic():
            # Locked, so that of two administrators only the first one answers.
            found = Registration.objects.select_for_update().filter(person_id=int(number)).first()
            if found is None:
                messages.warning(request, _("Somebody else has answered already."))
                return redirect("registrations")
            person = found.person
            if answer == "approve":
                found.approve()
                SignInAct.objects.note(Act.APPROVED, request, person=person)
            elif answer == "refuse":
                SignInAct.objects.note(Act.REFUSED, request, name=person.username)
                found.refuse()
            else:
                raise Http404
        tell(person, answer == "approve")
        said = _("%(name)s may sign in now.") if answer == "approve" else _("%(name)s is refused.")
        messages.success(request, said % {"name": person.username})
        return redirect("registrations")


def tell(person: User, is_approved: bool) -> None:
    """Send the answer by mail, where a mail server is set and the person gave an address."""
    if settings.EMAIL_URL and person.email:
        address = absolute(reverse("login"))
        told = {"person": person, "is_approved": is_approved, "address": address}
        text = render_to_string("people/mail/registration.txt", told)
        subject = _("Neurocage: your account")
        send_later(EmailMessage(subject, text, settings.EMAIL_SENDER, [person.email]))
