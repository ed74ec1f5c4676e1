"""The rule "Bad for long": when its condition begins and is over, told from the minutes of a cage.

Live judging, judging again after late results, and the back-test all follow these edges.
"""

from cages.models.minute import KNOWN, Minute
from welfare.rules.parameters import UNSEEN_MINUTES, BadLong

_KNOWN = tuple(str(code.value) for code in KNOWN)


def lead_of(parameters: BadLong) -> int:
    """How many minutes before a slot are needed to judge it."""
    return max(parameters.window_minutes, UNSEEN_MINUTES) - 1


def least_bad(parameters: BadLong) -> int:
    """Fewer Bad readings than this in a window never begin a condition."""
    return -(-parameters.share_percent * parameters.least_known // 100)


def edges(
    codes: bytes,
    parameters: BadLong,
    is_on: bool = False,
    lead: int = 0,
    waits: bytes = b"",
) -> list[tuple[int, bool]]:
    """[(index of the slot, True where the condition begins and False where it is over)].

    codes: one Minute for each slot, oldest first. The first `lead` of them are only looked back at;
    `lead_of` says how many are needed. is_on: whether it lasts before the first slot judged.

    A slot is judged where enough is known and the cage is not unseen. Else all stays as it was.

    waits: one byte for each slot from the `lead` on, 1 where it does not begin, as
    `Waiting.mask` gives it; empty where it begins in all.
    """
    window, least_known = parameters.window_minutes, parameters.least_known
    before = codes[max(lead - window, 0) : lead]
    bad, known = before.count(Minute.BAD), known_in(before)
    last = last_known(codes[:lead])
    found: list[tuple[int, bool]] = []
    for index in range(lead, len(codes)):
        code = codes[index]
        if code in KNOWN:
            known += 1
            bad += code == Minute.BAD
            last = index
        if index >= window and (gone := codes[index - window]) in KNOWN:
            known -= 1
            bad -= gone == Minute.BAD
        if last is None or index - last >= UNSEEN_MINUTES or known < least_known:
            continue
        if is_on:
            changes = 100 * bad < parameters.over_percent * known
        else:
            changes = 100 * bad >= parameters.share_percent * known and not (
                waits and waits[index - lead]
            )
        if changes:
            is_on = not is_on
            found.append((index, is_on))
    return found


def is_unseen(digits: str) -> bool:
    """Whether the condition is held at the last of these digits, as CageState.minutes has them."""
    return not any(code in digits[-UNSEEN_MINUTES:] for code in _KNOWN)


def known_in(codes: bytes) -> int:
    """How many of the minutes are known."""
    return sum(codes.count(code) for code in KNOWN)


def last_known(codes: bytes) -> int | None:
    """The index of the last minute that is known; None without any."""
    last = max(codes.rfind(code) for code in KNOWN)
    return None if last < 0 else last
