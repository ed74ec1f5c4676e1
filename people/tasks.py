"""What beat sends to this app."""

from celery import shared_task
from django.utils import timezone

from people.models import SignInAct


@shared_task
def forget_sign_in_acts() -> None:
    """Delete the oldest sign-in acts. What is too many for one run waits for the next hour."""
    SignInAct.objects.all().forget(timezone.now())
