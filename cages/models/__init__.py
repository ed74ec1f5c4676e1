"""What Neurocage keeps. Each model stands in a file of its subject, its queryset beside it."""

from cages.models.cage import Cage
from cages.models.cycle import PollCycle, Trouble, Watch
from cages.models.event import CageEvent, EventKind
from cages.models.poll import Health, Outcome, Poll
from cages.models.rack import Rack
from cages.models.retention import RetentionChange
from cages.models.rollups import PollDaily, PollHourly
from cages.models.state import CageState, Condition

__all__ = [
    "Cage",
    "CageEvent",
    "CageState",
    "Condition",
    "EventKind",
    "Health",
    "Outcome",
    "Poll",
    "PollCycle",
    "PollDaily",
    "PollHourly",
    "Rack",
    "RetentionChange",
    "Trouble",
    "Watch",
]
