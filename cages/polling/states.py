"""Keeps each cage's state equal to its stored minutes, whatever order they are recorded in.

Results in order, late failures and repeated slots need one statement. A late reading can change
where spells begin: it is then judged with the state's own minutes, and only where those do not
tell, with the stored ones of the last LOOKED_AT.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.utils import timezone

from cages.history.minutes import KNOWN, Minute, minutes_of
from cages.history.spells import spells_in
from cages.history.window import Window
from cages.models import CageState, Outcome, Spell
from cages.models.state import MINUTES_KEPT, UNSEEN_AFTER
from cages.slots import SLOT_LENGTH

# A reading that arrives later than this still counts in the day, but moves no spell.
LOOKED_AT = timedelta(hours=24)

# `back`: how many minutes the result is older than the newest one; `after`: how many of the polls
# since then had no answer. `step` says what a reading does to the spell: it goes on ('same'), it
# shows that the single reading before was a misreading ('fold'), or it begins another ('new').
# OFFSET 0 keeps PostgreSQL from working out each expression once for every use of it.
UPSERT_STATES = """
    INSERT INTO cages_cagestate AS state
        (cage_id, outcome, outcome_slot, outcome_since, status, reading_slot, status_since,
         known_count, same_count, silent_count, day, day_known, minutes)
    SELECT cage_id, outcome, %(slot)s, %(slot)s, status, known_slot, known_slot,
           known, known, (code = {no_answer})::int, %(day)s, known, repeat('0', {kept} - 1) || code
    FROM (
        SELECT cage_id, outcome, status, (status IS NOT NULL)::int AS known,
               CASE WHEN status IS NOT NULL THEN %(slot)s::timestamptz END AS known_slot,
               CASE WHEN status IS NOT NULL THEN status::text
                    WHEN outcome = {skipped} THEN {was_skipped} ELSE {no_answer} END AS code
        FROM stored
    ) AS polled
    ORDER BY cage_id
    ON CONFLICT (cage_id) DO UPDATE SET
        (outcome, outcome_slot, outcome_since, minutes, day, day_known,
         status, reading_slot, status_since, is_since_known, known_count, same_count,
         unanswered_count, silent_count,
         before_status, before_since, is_before_since_known, before_known, before_same,
         before_unanswered) = (
        SELECT
            CASE WHEN back <= 0 THEN EXCLUDED.outcome ELSE state.outcome END,
            GREATEST(state.outcome_slot, EXCLUDED.outcome_slot),
            CASE WHEN back <= 0 AND state.outcome IS DISTINCT FROM EXCLUDED.outcome
                 THEN EXCLUDED.outcome_slot ELSE state.outcome_since END,
            CASE WHEN back < 0
                 THEN right(state.minutes || repeat('0', LEAST(-back, {kept}) - 1) || code, {kept})
                 WHEN back < {kept}
                 THEN overlay(state.minutes PLACING code FROM {kept} - back FOR 1)
                 ELSE state.minutes END,
            GREATEST(state.day, EXCLUDED.day),
            CASE WHEN state.day IS NULL OR EXCLUDED.day > state.day THEN EXCLUDED.day_known
                 WHEN EXCLUDED.day = state.day THEN state.day_known + EXCLUDED.day_known
                 ELSE state.day_known END,
            CASE WHEN step IS NULL THEN state.status ELSE EXCLUDED.status END,
            CASE WHEN step IS NULL THEN state.reading_slot ELSE EXCLUDED.reading_slot END,
            CASE step WHEN 'fold' THEN state.before_since
                      WHEN 'new' THEN EXCLUDED.reading_slot ELSE state.status_since END,
            CASE step WHEN 'fold' THEN state.is_before_since_known
                      WHEN 'new' THEN COALESCE(
                          EXCLUDED.reading_slot - state.reading_slot < {unseen_after}, false)
                      ELSE state.is_since_known END,
            CASE step WHEN 'same' THEN state.known_count + 1
                      WHEN 'fold' THEN state.before_known + 2
                      WHEN 'new' THEN 1 ELSE state.known_count END,
            CASE step WHEN 'same' THEN state.same_count + 1
                      WHEN 'fold' THEN state.before_same + 1
                      WHEN 'new' THEN 1 ELSE state.same_count END,
            CASE step WHEN 'same' THEN state.unanswered_count + state.silent_count - after
                      WHEN 'fold' THEN state.before_unanswered + state.silent_count - after
                      WHEN 'new' THEN 0
                      ELSE state.unanswered_count
                           + COALESCE(failed AND EXCLUDED.outcome_slot > state.status_since
                                      AND EXCLUDED.outcome_slot < state.reading_slot, false)::int
                 END,
            CASE WHEN step IS NULL
                 THEN state.silent_count
                      + (failed AND (state.reading_slot IS NULL
                                     OR EXCLUDED.outcome_slot > state.reading_slot))::int
                 ELSE after END,
            CASE WHEN step IS NULL THEN state.before_status
                 WHEN step = 'new' THEN state.status END,
            CASE WHEN step IS NULL THEN state.before_since
                 WHEN step = 'new' THEN state.status_since END,
            CASE WHEN step IS NULL THEN state.is_before_since_known
                 WHEN step = 'new' AND state.status IS NOT NULL THEN state.is_since_known END,
            CASE WHEN step IS NULL THEN state.before_known
                 WHEN step = 'new' AND state.status IS NOT NULL THEN state.known_count END,
            CASE WHEN step IS NULL THEN state.before_same
                 WHEN step = 'new' AND state.status IS NOT NULL THEN state.same_count END,
            CASE WHEN step IS NULL
                 THEN state.before_unanswered
                      + (failed AND EXCLUDED.outcome_slot > state.before_since
                         AND EXCLUDED.outcome_slot < state.status_since)::int
                 WHEN step = 'new' AND state.status IS NOT NULL
                 THEN state.unanswered_count + state.silent_count - after END
        FROM (
            SELECT back, after, right(EXCLUDED.minutes, 1) AS code,
                   right(EXCLUDED.minutes, 1) = {no_answer} AS failed,
                   CASE WHEN EXCLUDED.status IS NULL OR back >= {kept}
                             OR EXCLUDED.reading_slot <= state.reading_slot THEN NULL
                        WHEN state.status = EXCLUDED.status THEN 'same'
                        WHEN state.before_status = EXCLUDED.status THEN 'fold'
                        ELSE 'new' END AS step
            FROM (
                SELECT back,
                       CASE WHEN back > 0 AND back < {kept} AND EXCLUDED.status IS NOT NULL
                            THEN back - length(replace(right(state.minutes, back), {no_answer}, ''))
                            ELSE 0 END AS after
                FROM (SELECT COALESCE(EXTRACT(
                          EPOCH FROM state.outcome_slot - EXCLUDED.outcome_slot
                      )::int / 60, -{kept}) AS back OFFSET 0) AS ages
                OFFSET 0
            ) AS told
            OFFSET 0
        ) AS steps
    )
""".format(  # noqa: S608  (constants)
    kept=MINUTES_KEPT,
    no_answer=f"'{Minute.NO_ANSWER.value}'",
    was_skipped=f"'{Minute.SKIPPED.value}'",
    skipped=Outcome.SKIPPED.value,
    unseen_after=f"interval '{UNSEEN_AFTER // SLOT_LENGTH} minutes'",
)

# What a state keeps of its last spells.
SPELL_FIELDS = (
    *("status", "reading_slot", "status_since", "is_since_known"),
    *("known_count", "same_count", "unanswered_count", "silent_count"),
    *("before_status", "before_since", "is_before_since_known"),
    *("before_known", "before_same", "before_unanswered"),
)


def day_of(slot: datetime) -> date:
    """The facility's day that a slot lies in."""
    return timezone.localtime(slot, timezone.get_default_timezone()).date()


def place_late_readings(slot: datetime, cage_ids: set[int]) -> None:
    """Judge the spells of these cages again. They have a new reading in an older slot.

    At most three queries, however many cages. Most are settled by the minutes in their state.
    """
    settled: list[CageState] = []
    open_: list[CageState] = []
    for state in CageState.objects.filter(cage__in=cage_ids):
        after = state.newest_slot + SLOT_LENGTH
        start = after - MINUTES_KEPT * SLOT_LENGTH
        minutes = state.minutes_until(after, MINUTES_KEPT)
        done = slot >= start and _judge(state, minutes, start, slot, is_all=False)
        (settled if done else open_).append(state)
    open_ = [state for state in open_ if state.newest_slot - slot < LOOKED_AT]
    if open_:
        end = max(state.newest_slot for state in open_) + SLOT_LENGTH
        window = Window(end - LOOKED_AT, end)
        stored = minutes_of([state.pk for state in open_], window)
        for state in open_:
            newest = (state.newest_slot - window.start) // SLOT_LENGTH
            minutes = stored[state.pk][: newest + 1]
            _judge(state, minutes, window.start, slot, is_all=True)
    CageState.objects.bulk_update([*settled, *open_], SPELL_FIELDS)


def _judge(state: CageState, minutes: bytes, start: datetime, slot: datetime, is_all: bool) -> bool:
    """Set the state's spells from minutes that end with its newest one; False where they cannot
    tell, unless they are all that is looked at.

    After two same readings in a row the spells depend on nothing older, but for where the first
    one of them began and how many readings it has. That is in the state where its last spell of
    two or more readings was lasting then.
    """
    at = (slot - start) // SLOT_LENGTH
    lasting, after = _lasting(state)
    first = _same_pair_before(minutes, at)
    end = 0 if lasting is None else (after - start) // SLOT_LENGTH
    began = 0 if lasting is None else (lasting.first - start) // SLOT_LENGTH
    covers = lasting is not None and first is not None and began <= first < end
    if first is None:
        if not is_all:
            return False
        first = 0
    spells = spells_in(minutes[first:], start + first * SLOT_LENGTH)
    needed = 2 if spells[-1].known == 1 else 1
    if len(spells) <= needed and not covers:
        if not is_all:
            return False
        first = 0
        spells = spells_in(minutes, start)
        covers = lasting is not None and began < 0 and spells[0].status == lasting.status
    if lasting is not None and covers:
        # As it was before this reading came.
        old = minutes[:at] + bytes([Minute.NOT_WATCHED]) + minutes[at + 1 :]
        spells[0] = _continued(lasting, spells[0], old[first : max(end, first)])
    _set_spells(state, spells, minutes, start)
    return True


def _lasting(state: CageState) -> tuple[Spell | None, datetime]:
    """The state's last spell that a single reading does not make, and the slot after it."""
    if (before := state.spell_before) is not None:
        return before, before.last + SLOT_LENGTH
    spell = state.spell
    return spell, spell.last + SLOT_LENGTH if spell else state.newest_slot


def _same_pair_before(minutes: bytes, at: int) -> int | None:
    """Where the last two same readings in a row begin, both of them before the minute `at`."""
    later = None
    for number in range(at - 1, -1, -1):
        if minutes[number] in KNOWN:
            if later is not None and minutes[number] == minutes[later]:
                return number
            later = number
    return None


def _continued(lasting: Spell, seen: Spell, old: bytes) -> Spell:
    """The spell `seen` with the part of `lasting` that is older than the minutes `old`."""
    return Spell(
        seen.status,
        lasting.first,
        seen.last,
        same=lasting.same - old.count(lasting.status) + seen.same,
        known=lasting.known - sum(old.count(code) for code in KNOWN) + seen.known,
        unanswered=lasting.unanswered - old.count(Minute.NO_ANSWER) + seen.unanswered,
        begins_known=lasting.begins_known,
    )


def _set_spells(state: CageState, spells: Sequence[Spell], minutes: bytes, start: datetime) -> None:
    """Set the fields SPELL_FIELDS of a state, unsaved, to the last of the spells.

    minutes: `minutes_of` from the slot `start` up to the state's newest minute.
    """
    last = spells[-1]
    before = spells[-2] if last.known == 1 and len(spells) > 1 else None
    state.status, state.reading_slot, state.status_since = last.status, last.last, last.first
    state.is_since_known = last.begins_known
    state.known_count, state.same_count = last.known, last.same
    state.unanswered_count = last.unanswered

    def unanswered(first: datetime, after: datetime | None = None) -> int:
        end = len(minutes) if after is None else (after - start) // SLOT_LENGTH
        return minutes.count(Minute.NO_ANSWER, (first - start) // SLOT_LENGTH, end)

    state.silent_count = unanswered(last.last)
    if before is None:
        state.before_status = state.before_since = state.is_before_since_known = None
        state.before_known = state.before_same = state.before_unanswered = None
        return
    state.before_status, state.before_since = before.status, before.first
    state.is_before_since_known = before.begins_known
    state.before_known, state.before_same = before.known, before.same
    state.before_unanswered = before.unanswered + unanswered(before.last, last.first)


def restate(state: CageState, minutes: bytes, start: datetime) -> None:
    """Set all that a state, unsaved, says of its minutes: for histories that were loaded whole.

    minutes: codes from the slot `start` up to the state's newest minute.
    """
    if spells := spells_in(minutes, start):
        _set_spells(state, spells, minutes, start)
    state.minutes = "".join(map(str, minutes[-MINUTES_KEPT:])).rjust(MINUTES_KEPT, "0")
    state.day = day_of(state.newest_slot)
    today = max((Window.whole_day(state.day).start - start) // SLOT_LENGTH, 0)
    state.day_known = sum(minutes[today:].count(code) for code in KNOWN)
