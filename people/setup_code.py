"""The code that opens the set-up. Whoever can read the log of the start may make the first account.

It is the setting SETUP_CODE, or else made from the secret key, so that all processes have the same
and it is stored nowhere. After the set-up there is no page that takes it.
"""

import base64
import re

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

# 80 bits, which nobody guesses.
CODE_BYTES = 10
# What is noted in the log of sign-in acts. No account has a name with a blank.
NOTED_AS = "set-up code"


def setup_code() -> str:
    """The code, as it is shown: four groups of four letters and digits, or SETUP_CODE."""
    if settings.SETUP_CODE:
        return str(settings.SETUP_CODE)
    digest = salted_hmac("people.setup_code", "", algorithm="sha256").digest()
    letters = base64.b32encode(digest[:CODE_BYTES]).decode().lower()
    return "-".join(re.findall("....", letters))


def opens_setup(typed: str) -> bool:
    """Whether it is the code; hyphens, blanks and upper or lower case make no difference."""
    return constant_time_compare(_bare(typed), _bare(setup_code()))


def _bare(code: str) -> str:
    return re.sub(r"[-\s]", "", code).lower()
