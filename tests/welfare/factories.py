"""Make concerns as the judge would raise them."""

from tests.factories import MINUTE, at, slot
from welfare import desk
from welfare.models import Act, Concern, Kind


def make_concern(cage=None, kind=Kind.BAD_LONG, raised="07:00", lasted=30, **fields):
    """Make an open concern, raised at a clock time, with its trail. It lasted that many minutes."""
    moment = fields.pop("raised_at", None) or at(raised)
    fields = {
        "subject": f"cage:{cage.pk}" if cage else "behind",
        "raised_slot": slot(raised) if isinstance(raised, str) else raised,
        "raised_at": moment,
        "since": moment - lasted * MINUTE,
        "facts": {"bad": 26, "known": 27, "minutes": 30} if kind == Kind.BAD_LONG else {},
        **fields,
    }
    concern = Concern.objects.create(cage=cage, kind=kind, **fields)
    desk.note(concern, Act.RAISED, concern.raised_at)
    return concern
