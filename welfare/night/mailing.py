"""A night sheet as the file that goes with a mail."""

from datetime import datetime

from cages.models import Cage
from people.access import Access
from people.models import User
from welfare.models import NightSheet
from welfare.night.paper import file_name, paper_of
from welfare.night.sheet import sheet_of


def file_of(kept: NightSheet, person: User, now: datetime) -> tuple[str, bytes]:
    """(name, PDF) of what the person may see of it, in the language that is active."""
    sheet = sheet_of(kept, Access(person).sees(Cage.objects.all()), now)
    return file_name(kept), paper_of(kept, sheet)
