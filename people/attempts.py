"""How many wrong passwords are taken, for one account and from one address.

They are counted in the database, so the limits hold in all processes and while Redis is away.
"""

import math
from datetime import datetime, timedelta

from django.db.models import Count, Max

from people.models import Act, SignInAct
from people.names import key_of

ACCOUNT_FAILURES = 5
# After the fifth failure, the sixth, and so on. The last one repeats.
LOCK_MINUTES = (1, 5, 15, 60)
COUNTED_FOR = timedelta(days=1)
ADDRESS_FAILURES = 20
ADDRESS_WINDOW = timedelta(minutes=10)
# They begin the count of an account again.
BEGIN_AGAIN = (Act.SIGNED_IN, Act.LOCK_ENDED)


def minutes_locked(name: str, address: str | None, now: datetime) -> int:
    """Full minutes until the next attempt is taken; 0 if it is taken now. Three queries at most.

    The answer is the same whether there is such an account or not.
    """
    until = max(_account_until(name, now), _address_until(address, now))
    return max(0, math.ceil((until - now) / timedelta(minutes=1)))


def _account_until(name: str, now: datetime) -> datetime:
    acts = SignInAct.objects.filter(
        key=key_of(name[: SignInAct.NAME_LENGTH]), at__gt=now - COUNTED_FOR
    )
    begun = acts.filter(act__in=BEGIN_AGAIN).aggregate(at=Max("at"))["at"]
    failures = acts.filter(act=Act.FAILED)
    if begun:
        failures = failures.filter(at__gt=begun)
    found = failures.aggregate(count=Count("pk"), last=Max("at"))
    beyond = found["count"] - ACCOUNT_FAILURES
    if beyond < 0:
        return now
    minutes = LOCK_MINUTES[min(beyond, len(LOCK_MINUTES) - 1)]
    last: datetime = found["last"]
    return last + timedelta(minutes=minutes)


def _address_until(address: str | None, now: datetime) -> datetime:
    if address is None:
        return now
    failures = SignInAct.objects.filter(
        address=address, act=Act.FAILED, at__gt=now - ADDRESS_WINDOW
    ).newest_first()
    newest = list(failures.values_list("at", flat=True)[:ADDRESS_FAILURES])
    return newest[-1] + ADDRESS_WINDOW if len(newest) == ADDRESS_FAILURES else now
