"""Secrets of second factors are sealed with the secret key before they are stored."""

import base64
import hashlib
import hmac
import logging
import secrets

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

logger = logging.getLogger(__name__)
# Another use of the secret key must not give the same key.
PURPOSE = b"neurocage second factors"
BYTES = 20


def seal(text: str) -> str:
    """Return the text so that only who has the secret key can read it."""
    return _fernet().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """Return the text. Where it was sealed with another secret key, a random one.

    No code fits a random secret, so the factor does not open anything.
    """
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        logger.error("A second factor was sealed with another SECRET_KEY, so no code fits it.")
        return base64.b32encode(secrets.token_bytes(BYTES)).decode("ascii")


def _fernet() -> Fernet:
    key = hmac.digest(settings.SECRET_KEY.encode(), PURPOSE, hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))
