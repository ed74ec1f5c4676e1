"""Compare the database with what the sensors answered, row by row."""

from dataclasses import dataclass, field

# A request sent at the end of its minute may arrive in the next one. On a busy machine the sensors
# note it up to this much later.
ARRIVES_AT_MOST_SECONDS_LATE = 5
# Both sides round to whole milliseconds.
ROUNDING_MS = 1
SHOWN = 5


@dataclass
class Comparison:
    """The result. `served` and `recorded` are the numbers of answers in the measured slots."""

    served: int = 0
    recorded: int = 0
    compared: int = 0
    kinds: dict = field(default_factory=dict)  # kind of difference: how often
    examples: list = field(default_factory=list)
    lateness_ms: list = field(default_factory=list)  # sorted
    busiest_second: int = 0  # the most requests that arrived in one second

    @property
    def differences(self):
        return sum(self.kinds.values())

    def differs(self, kind, example):
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if self.kinds[kind] <= SHOWN:
            self.examples.append(f"{kind}: {example}")

    def lateness(self, part):
        """Return a quantile (0 to 1) of recorded minus served latency in ms; None without rows."""
        if not self.lateness_ms:
            return None
        return self.lateness_ms[min(int(part * len(self.lateness_ms)), len(self.lateness_ms) - 1)]


def compare(slots, served, rows, readings, excused=frozenset()):
    """Compare the answers of the slots, which follow each other.

    slots: aware datetimes.
    served: `bench.sensors.Served` in the order of arrival.
    rows: {(cage id, minute): (outcome, HTTP status, latency in ms)}.
    readings: {(cage id, minute): status}.
    excused: (cage id, minute) that may be served but not recorded.

    A minute is a slot in minutes since 1970. `rows` and `readings` may contain more than the slots.
    """
    first, last = minute_of(slots[0]), minute_of(slots[-1])
    found = Comparison()
    matched = match(served, rows, last)
    seconds = {}
    for (cage_id, minute), answers in matched.items():
        if not first <= minute <= last:
            continue
        found.served += len(answers)
        for answer in answers:
            seconds[int(answer.arrived)] = seconds.get(int(answer.arrived), 0) + 1
        _compare_one(found, cage_id, minute, answers, rows, readings, excused)
    found.busiest_second = max(seconds.values(), default=0)
    for (cage_id, minute), (_, http_status, _) in rows.items():
        if first <= minute <= last and http_status is not None:
            found.recorded += 1
            if (cage_id, minute) not in matched:
                found.differs("recorded, never served", f"cage {cage_id} at {clock(minute)}")
    for (cage_id, minute), status in readings.items():
        if first <= minute <= last and (cage_id, minute) not in matched:
            found.differs("reading, never served", f"cage {cage_id} at {clock(minute)}: {status}")
    found.lateness_ms.sort()
    return found


def match(served, rows, last):
    """Assign each answer to the slot it was for. Return {(cage id, minute): [Served, ...]}."""
    matched = {}
    for answer in sorted(served):
        minute, second = divmod(answer.arrived, 60)
        key = answer.cage_id, int(minute)
        before = answer.cage_id, int(minute) - 1
        if second < ARRIVES_AT_MOST_SECONDS_LATE and before not in matched:
            row = rows.get(before)
            if row and row[1] is not None:
                key = before
        if key[1] <= last:
            matched.setdefault(key, []).append(answer)
    return matched


def _compare_one(found, cage_id, minute, answers, rows, readings, excused):
    where = f"cage {cage_id} at {clock(minute)}"
    key = cage_id, minute
    row = rows.get(key)
    if len(answers) > 1 and key not in excused:
        found.differs("asked more than once", f"{where}: {len(answers)} times")
    if row is None or row[1] is None:
        if key not in excused:
            found.differs("served, not recorded", f"{where}: {answers[0]}, recorded {row}")
        return
    outcome, http_status, latency_ms = row
    # A cage may be asked twice after a crash. Either answer may be the one that was recorded.
    right = [
        answer
        for answer in answers
        if (http_status, outcome, readings.get(key, 0))
        == (answer.http_status, 1 if answer.http_status == 200 else 2, answer.status)
    ]
    if not right:
        kept = f"{row}, reading {readings.get(key)}"
        found.differs("recorded otherwise than served", f"{where}: {answers[0]}, recorded {kept}")
        return
    late = min(
        (latency_ms - answer.latency_ms for answer in right), key=lambda ms: (ms < -ROUNDING_MS, ms)
    )
    if late < -ROUNDING_MS:
        found.differs("faster than served", f"{where}: {answers[0]}, recorded {row}")
        return
    found.compared += 1
    found.lateness_ms.append(late)


def rows_of(slots):
    """Return (rows, readings) of the slots and the minute before them, as `compare` takes them."""
    from bench.stack import MINUTE
    from cages.models import Poll

    span = {"slot__gte": slots[0] - MINUTE, "slot__lte": slots[-1]}
    minutes = {}

    def minute(slot):
        if slot not in minutes:
            minutes[slot] = minute_of(slot)
        return minutes[slot]

    rows, readings = {}, {}
    for poll in Poll.objects.filter(**span).iterator(10_000):
        key = poll.cage_id, minute(poll.slot)
        rows[key] = poll.outcome, poll.answer_status, poll.latency_ms
        if poll.status is not None:
            readings[key] = poll.status
    return rows, readings


def minute_of(slot):
    return int(slot.timestamp()) // 60


def clock(minute):
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
