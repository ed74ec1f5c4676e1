"""Mails about accounts, sent by the server that EMAIL_URL names."""

import logging
import smtplib
from concurrent.futures import Future, ThreadPoolExecutor

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from neurocage.mail_server import MailServer

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10
# Beside the request: an answer that waits for the mail would tell which addresses have an account.
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="account-mail")


def send_later(message: EmailMessage) -> Future[None]:
    """Send the mail soon. A failure is logged and does not reach the person."""
    return _sender.submit(_send, message)


def _send(message: EmailMessage) -> None:
    server = MailServer.of(settings.EMAIL_URL)
    message.connection = get_connection(
        "django.core.mail.backends.smtp.EmailBackend",
        host=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        use_ssl=server.begins_with_tls,
        use_tls=server.starts_tls,
        timeout=TIMEOUT_SECONDS,
    )
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        # The text of the error may hold the address or the answer of the server.
        logger.error("A mail about an account was not sent: %s.", type(error).__name__)
