"""What one row of a list says of a cage's minutes, for a whole page of cages at once."""

from cages.history.minutes import minutes_of
from cages.history.spells import current_spell
from cages.history.today import Share
from cages.history.window import Window
from cages.models import Poll


def add_glance(cages, today, now):
    """Give each cage its `last_hour` (60 bytes), `spell` and `known_today`; two queries for all."""
    ids = [cage.pk for cage in cages]
    minutes = minutes_of(ids, Window.last_hours(1, now).with_minute_under_way)
    known = Poll.objects.known_by_cage(ids, today)
    for cage in cages:
        cage.last_hour = minutes[cage.pk][:-1]
        cage.spell = current_spell(minutes[cage.pk])
        cage.known_today = Share(known.get(cage.pk, 0), today.minutes)
