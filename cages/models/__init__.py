"""What Neurocage keeps. Each model stands in a file of its subject, its queryset beside it."""

from cages.models.animal import Animal, Housing
from cages.models.backup import Backup
from cages.models.cage import Cage
from cages.models.cycle import PollCycle, Trouble, Watch
from cages.models.digest import CageDigest, DayDigest
from cages.models.event import CageEvent, EventKind
from cages.models.light import LightPeriod, LightSchedule
from cages.models.mark import Mark, MarkKind
from cages.models.minute import Minute, Spell
from cages.models.place import Places, Rack, Room
from cages.models.poll import Health, Outcome, Poll
from cages.models.retention import RetentionChange
from cages.models.rollups import PollDaily, PollHourly
from cages.models.state import CageState, Condition, Rank
from cages.models.stay import Stay
from cages.models.study import Study
from cages.models.tally import Tally
from cages.models.wall_link import WallLink
