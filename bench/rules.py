"""How often rules for "Bad for long" are wrong, and how soon they are right.

Two sets of health, because a rule can be good on one and useless on the other: `random`, each
reading Bad, Ok or Perfect by chance, and `animals`, the healthy cages of the sensor simulator. A
quarter of the minutes is unknown in both.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil, comb

import numpy as np

MISSING = 0.25
CAGES = 500
DAY = 24 * 60
RANDOM_BAD = 1 / 3
FIRST_DAY = date(2026, 3, 2)
OUTAGE, SPELL, BEFORE = 20, 90, 120
SEEDS = {"random": 101, "animals": 202, "spells": 303, "outages": 404}


@dataclass(frozen=True)
class Window:
    """The share of a window, as the program has it."""

    name: str
    minutes: int = 30
    share: int = 85
    known: int = 18
    over: int = 50

    def begins(self, bad, known, bad_share):
        from welfare.rules.parameters import BadLong
        from welfare.rules.share_of_window import edges_of

        rule = BadLong(self.minutes, self.share, self.known, self.over)
        found = edges_of(bad, known, rule)
        return found.row[found.begins], found.minute[found.begins]


@dataclass(frozen=True)
class Likelihood:
    """The likelihood ratio of ill to usual in a window of 30 min, as points.

    A Bad reading counts +1, another one −against. If a cage that is ill says Bad in 90 % of its
    readings and one that is well in a third, the logarithms of the ratios are 0.99 and −1.90: so
    1.9. A longer window says no more, so brief spells and old readings cannot add up.
    """

    name: str
    alarm: float
    against: float = 1.9
    minutes: int = 30

    def begins(self, bad, known, bad_share):
        from welfare.rules import share_of_window as sw

        needed = np.full(self.minutes + 1, sw.NEVER, np.uint8)
        for count in range(15, self.minutes + 1):
            # bad - against * (count - bad) >= alarm
            least = ceil((self.alarm + self.against * count) / (1 + self.against) - 1e-9)
            if least <= count:
                needed[count] = least
        bads, knowns = sw.counts(bad, self.minutes), sw.counts(known, self.minutes)
        return _edges(bads >= needed[knowns], (2 * bads < knowns) & (knowns >= 15))


@dataclass(frozen=True)
class Baseline:
    """More Bad readings in 30 min than the cage's own usual share explains.

    The share of a cage at its time of day is a number here: all cages of a set are alike.
    """

    name: str
    rarity: float

    def begins(self, bad, known, bad_share):
        from welfare.rules import share_of_window as sw

        needed = np.full(31, 255, np.uint8)
        for count in range(10, 31):
            tail = 0.0
            for number in range(count, -1, -1):
                tail += (
                    comb(count, number) * bad_share**number * (1 - bad_share) ** (count - number)
                )
                if tail > self.rarity:
                    break
                needed[count] = number
        bads, knowns = sw.counts(bad, 30), sw.counts(known, 30)
        return _edges(bads >= needed[knowns], (2 * bads < knowns) & (knowns >= 10))


@dataclass(frozen=True)
class Cusum:
    """Points: +1 for Bad, −2 for not Bad, never below 0, at most `most`. Raised at `alarm`.

    That has to be with a Bad reading, so many minutes after the points left 0: a brief spell has
    ended by then. Minutes in which the cage is unseen do not count. in_a_row: of so many readings
    the last ones have to be Bad, so that one misreading does not prolong a brief spell.
    """

    name: str
    alarm: int
    minutes: int
    in_a_row: int = 1
    most: int = 20

    def begins(self, bad, known, bad_share):
        cages = bad.shape[1]
        points, age = np.zeros(cages, np.int16), np.zeros(cages, np.int16)
        silent, row = np.zeros(cages, np.int16), np.zeros(cages, np.int16)
        state, found = np.zeros(cages, bool), []
        for minute, (is_bad, is_known) in enumerate(zip(bad, known, strict=True)):
            row = np.where(is_known, (row + 1) * is_bad, row)
            points += is_bad
            points -= 2 * (is_known & ~is_bad)
            np.clip(points, 0, self.most, out=points)
            silent = np.where(is_known, 0, silent + 1)
            age = np.where(points > 0, age + (silent < 12), 0)
            on = is_bad & (row >= self.in_a_row) & (points >= self.alarm) & (age >= self.minutes)
            found.append(np.flatnonzero(on & ~state) + minute * cages)
            state = np.where(on, True, state & (points > 0))
        return _split(found, cages)


@dataclass(frozen=True)
class Markov:
    """A hidden Markov filter: well, in a brief spell of at most 20 min, or ill.

    Raised where the probability of ill is at least `alarm`, over below a tenth. A reading of a cage
    that is well is Bad with the facility's share.
    """

    name: str
    prior: float
    alarm: float = 0.5
    brief: int = 20

    def begins(self, bad, known, bad_share):
        cages = bad.shape[1]
        hears_bad = 0.93
        usual = max(bad_share, 0.02)
        brief_a_minute, lasts = 1 / 600, 1 / 300
        well = np.ones(cages)
        spells, ill = np.zeros((self.brief, cages)), np.zeros(cages)
        likely = np.array([[1, 1], [usual, hears_bad], [1 - usual, 1 - hears_bad]])
        state, found = np.zeros(cages, bool), []
        # A brief spell ends at any of its minutes from the fifth on.
        ends = np.array([0.0] * 4 + [1 / (self.brief - n) for n in range(4, self.brief)])[:, None]
        for minute, (is_bad, is_known) in enumerate(zip(bad, known, strict=True)):
            ended = (spells * ends).sum(axis=0)
            going = (spells * (1 - ends))[:-1]
            new_ill = well * self.prior + ill * (1 - lasts)
            new_well = well * (1 - self.prior - brief_a_minute) + ended + ill * lasts
            spells[1:], spells[0] = going, well * brief_a_minute
            code = np.where(is_bad, 1, np.where(is_known, 2, 0))
            of_well, of_bad = likely[code, 0], likely[code, 1]
            well, ill = new_well * of_well, new_ill * of_bad
            spells *= of_bad
            total = well + ill + spells.sum(axis=0)
            well, ill, spells = well / total, ill / total, spells / total
            # A minute without a reading raises nothing.
            on = (ill >= self.alarm) & is_known
            found.append(np.flatnonzero(on & ~state) + minute * cages)
            state = np.where(on, True, state & (ill >= 0.1))
        return _split(found, cages)


RULES = [
    Window("30 min, ≥ 80 %, ≥ 10 known", share=80, known=10),
    Window("30 min, ≥ 80 %, ≥ 18 known", share=80),
    Window("**30 min, ≥ 85 %, ≥ 18 known** (the default)"),
    Window("25 min, ≥ 88 %, ≥ 15 known", 25, 88, 15),
    Cusum("points +1 Bad, −2 not Bad, alarm at 14", 14, 0),
    Cusum("**the same, at a Bad reading 21 min after the first**", 14, 21),
    Cusum("**the same, at the third Bad reading in a row**", 14, 21, 3),
    Cusum("the same, alarm at 15", 15, 21),
    Likelihood("likelihood in 30 min, +1 Bad, −1.9 not Bad, alarm at 12.3", 12.3),
    Likelihood("likelihood in 30 min, +1 Bad, −1.5 not Bad, alarm at 13.5", 13.5, 1.5),
    Baseline("usual share of the cage, 1 in 10⁹", 1e-9),
    Markov("hidden Markov without brief spells", 2e-7, brief=5),
    Markov("hidden Markov, brief spells up to 20 min, prior 2 in 10⁵", 2e-5),
    Markov("hidden Markov, brief spells up to 20 min, prior 2 in 10⁴", 2e-4),
    Markov("hidden Markov, brief spells up to 20 min, prior 5 in 10⁴, alarm at 0.9", 5e-4, 0.9),
]


def _edges(on, over):
    """(rows, minutes) at which a condition begins, from two matrices cages × minutes."""
    state, found = np.zeros(on.shape[0], bool), []
    for minute in range(on.shape[1]):
        found.append(np.flatnonzero(on[:, minute] & ~state) + minute * on.shape[0])
        state = np.where(on[:, minute], True, state & ~over[:, minute])
    return _split(found, on.shape[0])


def _split(found, cages):
    places = np.concatenate(found)
    return places % cages, places // cages


def run(rule, bad, known, bad_share):
    """(rows, minutes) of what the rule raises. bad, known: cages × minutes."""
    if isinstance(rule, (Cusum, Markov)):
        return rule.begins(np.ascontiguousarray(bad.T), np.ascontiguousarray(known.T), bad_share)
    return rule.begins(bad, known, bad_share)


def random_health(draw, cages, minutes):
    known = draw.random((cages, minutes), np.float32) >= MISSING
    return known & (draw.random((cages, minutes), np.float32) < RANDOM_BAD), known


def animals(days):
    """Whether each minute of the simulator's healthy cages is Bad: CAGES × minutes."""
    from sensor_api.config import read_settings
    from sensor_api.health import BAD, HealthModel

    model = HealthModel(read_settings({"SENSOR_SEED": SEEDS["animals"]}, {}))
    begin = int(datetime.combine(FIRST_DAY, datetime.min.time(), UTC).timestamp()) // 60
    found = np.zeros((CAGES, days * DAY), bool)
    for row in range(CAGES):
        for day in range(-1, days):
            for is_light in (True, False):
                # Asking for each minute would take a hundred times as long.
                phase = model._make_phase(row + 1, FIRST_DAY + timedelta(days=day), is_light)
                health = np.repeat(np.array(phase.values) == BAD, np.diff((0, *phase.ends)))
                place = phase.start - begin
                first, last = max(place, 0), min(place + len(health), found.shape[1])
                if first < last:
                    found[row, first:last] = health[first - place : last - place]
    return found


def false_a_day_random(rule, days, draw):
    """What is raised a day in CAGES cages of random health, and how many were counted."""
    raised, cages, span = 0, 4 * CAGES, 5
    for _ in range(max(days // (4 * span), 1)):
        bad, known = random_health(draw, cages, span * DAY)
        raised += len(run(rule, bad, known, RANDOM_BAD)[0])
    return raised / (max(days // (4 * span), 1) * 4 * span), raised


def false_a_day_animals(rule, health, misread, draw):
    known = draw.random(health.shape, np.float32) >= MISSING
    wrong = draw.random(health.shape, np.float32) < misread
    bad = known & (health ^ wrong)
    share = bad.sum() / known.sum()
    return len(run(rule, bad, known, share)[0]) / (health.shape[1] / DAY)


def delays(rule, misread, draw, count=10_000):
    """Minutes from the begin of a lasting Bad spell to the concern; inf for none in SPELL."""
    bad, known = random_health(draw, count, BEFORE + SPELL)
    is_read = draw.random((count, SPELL)) >= misread
    bad[:, BEFORE:] = known[:, BEFORE:] & is_read
    rows, minutes = run(rule, bad, known, RANDOM_BAD)
    found = np.full(count, np.inf)
    after = minutes >= BEFORE
    np.minimum.at(found, rows[after], minutes[after] - BEFORE + 1)
    return found


def storm(rule, draw, outages=100):
    """What is raised in the hour that follows OUTAGE minutes without a reading, in CAGES cages."""
    bad, known = random_health(draw, outages * CAGES, BEFORE + OUTAGE + 60)
    bad[:, BEFORE : BEFORE + OUTAGE] = known[:, BEFORE : BEFORE + OUTAGE] = False
    _rows, minutes = run(rule, bad, known, RANDOM_BAD)
    return (minutes >= BEFORE + OUTAGE).sum() / outages


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=200, help="of 500 random cages")
    parser.add_argument("--animal-days", type=int, default=30)
    parser.add_argument("--only", default="", help="rules with this in their name")
    parser.add_argument("--shift", type=int, default=0, help="add this to each seed")
    options = parser.parse_args()
    for name in SEEDS:
        SEEDS[name] += options.shift
    _set_up()
    health = animals(options.animal_days)
    print(f"Bad minutes of healthy animals: {100 * health.mean():.2f} %", flush=True)
    print(
        "| rule | random: false a day (n) | animals | with 1 % misread | after an outage "
        "| 2 % misread: median, p90 | in 30 min | 10 % misread: median, p90 | in 30 min | s |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    for rule in [rule for rule in RULES if options.only in rule.name]:
        begun = time.process_time()
        seeded = {name: np.random.default_rng(seed) for name, seed in SEEDS.items()}
        a_day, count = false_a_day_random(rule, options.days, seeded["random"])
        cells = [rule.name, f"{a_day:.2f} ({count})"]
        for misread in (0, 0.01):
            cells.append(f"{false_a_day_animals(rule, health, misread, seeded['animals']):.2f}")
        cells.append(f"{storm(rule, seeded['outages']):.2f}")
        for misread in (0.02, 0.1):
            found = delays(rule, misread, seeded["spells"])
            cells.append(f"{np.median(found):.0f}, {np.quantile(found, 0.9, method='lower'):.0f}")
            cells.append(f"{(found <= 30).mean():.3f}")
        print("|", " | ".join([*cells, f"{time.process_time() - begun:.0f}"]), "|", flush=True)


def _set_up():
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neurocage.settings")
    os.environ.setdefault("SECRET_KEY", "only-for-benchmarks-and-never-to-serve-anybody-0123456789")
    import django

    django.setup()


if __name__ == "__main__":
    main()
