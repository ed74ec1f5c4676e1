"""How often "Place silent" and "Sensor weak" are wrong, on sensors that fail by chance alone.

python -m bench.silence            # 5 minutes
"""

import argparse
import time
from collections import Counter
from math import sqrt

import numpy as np

from bench import rules

FAILING = 0.25
CAGES, DAY = rules.CAGES, rules.DAY
SEEDS = {"places": 505, "sensors": 606}
ROOMS = 4
# Of how many racks a room has one, and how the sensors of the racks differ.
LAYOUTS = ("racks of 40", "racks of 3 to 120", "racks of 40 that fail 15 to 35 %", "no racks")
# Failures that last over days are drawn for so many days at once.
CHUNK_DAYS = 5


def layout(name, draw):
    """(room ids, rack ids, failing shares) of CAGES cages, those of a rack side by side."""
    sizes = [40] * 12 + [20]
    if name == "racks of 3 to 120":
        sizes = [120, 100, 80, 60, 40, 30, 20, 15, 12, 10, 5, 5, 3]
    racks = np.repeat(np.arange(len(sizes)), sizes)
    failing = np.full(len(racks), FAILING)
    if name.endswith("%"):
        failing = draw.uniform(0.15, 0.35, len(sizes))[racks]
    return racks % ROOMS, None if name == "no racks" else racks, failing


def unanswered(fails, before):
    """How many polls in a row each cage has not answered: minutes × cages.

    before: how many it had not answered before the first of these minutes.
    """
    number = np.arange(len(fails), dtype=np.int32)[:, None]
    last = np.maximum.accumulate(np.where(fails, -1, number), axis=0)
    return np.where(last < 0, number + 1 + before, number - last).astype(np.int32)


def false_places(name, days):
    """({minutes silent: concerns begun}, of how many days)."""
    from welfare.rules.parameters import PlaceSilent

    draw = np.random.default_rng(SEEDS["places"])
    rooms, racks, failing = layout(name, draw)
    parameters = PlaceSilent()
    usual = float(1 - failing.mean())
    before, lasting, begun = np.zeros(CAGES, np.int32), {}, Counter()
    for day in range(0, days, CHUNK_DAYS):
        fails = draw.random((CHUNK_DAYS * DAY, CAGES), np.float32) < failing
        silent = unanswered(fails, before)
        before = silent[-1]
        judged = _worth_judging(silent, rooms, racks, parameters)
        for row in range(len(silent)):
            if judged[row] or lasting:
                minute = day * DAY + row
                begun.update(_judge(minute, silent[row], rooms, racks, parameters, lasting, usual))
    return begun, -(-days // CHUNK_DAYS) * CHUNK_DAYS


def _judge(minute, silent, rooms, racks, parameters, lasting, usual):
    """Judge one minute as `welfare.judge` does. Returns the minutes of silence of what begins."""
    from welfare.rules import place_silent

    of_racks = [None] * CAGES if racks is None else racks.tolist()
    asked = Counter(zip(rooms.tolist(), of_racks, silent.tolist(), strict=True))
    places = place_silent.places_of(asked, parameters.within_minutes)
    newest = place_silent.places_of(asked, 1)
    for subject, (was, begin) in list(lasting.items()):
        lasted = minute - begin + was.minutes
        if place_silent.is_over(places.get(subject), was.silent, was.cages, lasted, parameters):
            del lasting[subject]
    found = place_silent.silent_places(places, parameters, usual)
    wholly = place_silent.wholly_silent(newest, parameters)
    found += place_silent.silent_at_once(wholly, newest, usual)
    begun = []
    for place in found:
        if not any(one.holds(place.room_id, place.rack_id) for one, _begin in lasting.values()):
            lasting[place.subject] = place, minute
            begun.append(place.minutes)
    return begun


def _worth_judging(silent, rooms, racks, parameters):
    """The minutes in which the rule may begin: so many are silent in a place at all.

    A place is never told of with fewer than the least count that is beyond chance if nobody else
    is silent.
    """
    from cages.history.chance import is_too_many
    from welfare.rules.place_silent import tail_of_draw

    fell = silent >= parameters.within_minutes
    probability = 10.0**-parameters.rarity
    counts = np.arange(parameters.least_cages, CAGES)
    chance = FAILING**parameters.within_minutes
    enough = next(n for n in counts if is_too_many(int(n), CAGES, chance, probability))
    found = fell.sum(axis=1) >= enough - 1
    for places in (rooms, racks):
        if places is None:
            continue
        sizes = np.bincount(places)
        for place, size in enumerate(sizes):
            able = next(
                n
                for n in counts
                if tail_of_draw(int(n), int(size), int(n), CAGES) < probability / len(sizes)
                or n >= size
            )
            here = places == place
            found |= (fell[:, here].sum(axis=1) >= able - 1) | (silent[:, here] > 0).all(axis=1)
    return found


def false_sensors(days, sigmas=None):
    """Concerns begun in `days` days of CAGES healthy sensors, judged each hour."""
    from welfare.rules.parameters import SensorWeak
    from welfare.rules.sensor_weak import Requests, verdict

    parameters = SensorWeak() if sigmas is None else SensorWeak(sigmas=sigmas)
    draw = np.random.default_rng(SEEDS["sensors"])
    hours, usual_days = parameters.hours, parameters.usual_days
    first = 24 * (usual_days + 2)
    answered = draw.binomial(60, 1 - FAILING, (CAGES, first + 24 * days))
    sums = np.zeros((CAGES, first + 24 * days + 1), np.int64)
    np.cumsum(answered, axis=1, out=sums[:, 1:])
    begun = 0
    known = {}
    lasting = np.zeros(CAGES, bool)
    for hour in range(first, first + 24 * days):
        # Whole days before the last `hours`.
        end = (hour - hours) // 24 * 24
        now = sums[:, hour] - sums[:, hour - hours]
        usual = sums[:, end] - sums[:, end - 24 * usual_days]
        # Only those far from their usual share can change, and of these there are few.
        drop = usual / (60 * 24 * usual_days) - now / (60 * hours)
        for cage in np.flatnonzero((drop > 0.015) | lasting).tolist():
            key = int(now[cage]), int(usual[cage])
            if key not in known:
                known[key] = verdict(
                    Requests(key[0], 60 * hours, None),
                    Requests(key[1], 60 * 24 * usual_days, None),
                    parameters,
                )
            if known[key] and not lasting[cage]:
                begun += 1
            if known[key] is not None:
                lasting[cage] = known[key]
    return begun


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--sensor-days", type=int, default=365)
    options = parser.parse_args()
    rules._set_up()
    for name in LAYOUTS:
        begun = time.process_time()
        found, days = false_places(name, options.days)
        count = found.total()
        told = ", ".join(f"{n} after {k} min" for k, n in sorted(found.items())) or "none"
        print(
            f"place silent, {name}: {count / days:.4f} ± {sqrt(count) / days:.4f} a day "
            f"({told}, in {days} days), {time.process_time() - begun:.0f} CPU s",
            flush=True,
        )
    begun = time.process_time()
    count, days = false_sensors(options.sensor_days), options.sensor_days
    print(
        f"sensor weak: {count / days:.4f} ± {sqrt(count) / days:.4f} a day ({count} in {days} "
        f"days), {time.process_time() - begun:.0f} CPU s",
        flush=True,
    )


if __name__ == "__main__":
    main()
