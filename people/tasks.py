"""What is done for accounts from time to time."""

from django.utils import timezone

from neurocage.celery import app
from people import sessions
from people.models.sign_in import SignInAct


@app.task
def forget_old_acts() -> None:
    """Delete sign-in acts that are older than they are kept."""
    SignInAct.objects.delete_old(timezone.now())


@app.task
def delete_expired_sessions() -> None:
    """Delete sessions that have expired."""
    sessions.delete_expired(timezone.now())
