"""The minutes of many cages over months, for whoever counts them with numpy."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from django.db.models import Aggregate, BigIntegerField, BinaryField, BooleanField, Func, Value
from django.db.models.functions import Cast

from cages.history.minutes import (
    CODE,
    CODE_BITS,
    CODE_MASK,
    MINUTE_NUMBER,
    minute_number,
)
from cages.history.window import Window
from cages.models import Poll
from cages.models.poll import PollQuerySet

Minutes = npt.NDArray[np.int32]
# A block is so many minutes of a cage, and its key a number: the cage's id and that of the block.
BLOCK_MINUTES = 16
CAGES_PER_KEY = 2**32


class _Int4Send(Func):
    """A number as four bytes, the highest first."""

    function = "int4send"
    template = "%(function)s((%(expressions)s)::int)"
    output_field = BinaryField()


class _Joined(Aggregate):
    """The bytes of all rows, in any order. It takes half the bytes of an array."""

    function = "string_agg"
    template = "%(function)s(%(expressions)s, '')"
    output_field = BinaryField()


class _IsOneOf(Func):
    """Whether a number is in a list, which PostgreSQL looks up in a hash table."""

    arg_joiner = " = ANY("
    template = "(%(expressions)s::bigint[]))"
    output_field = BooleanField()


def block_keys(cage_id: int, blocks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The keys of blocks of a cage. blocks: `minute_number` // BLOCK_MINUTES."""
    return cage_id * CAGES_PER_KEY + blocks


def in_blocks(polls: PollQuerySet, keys: npt.NDArray[np.int64]) -> PollQuerySet:
    """Those of the polls in blocks with these keys. It takes one look at each of the polls."""
    block = MINUTE_NUMBER / BLOCK_MINUTES
    key = Cast("cage_id", BigIntegerField()) * CAGES_PER_KEY + block
    listed = Value("{" + ",".join(map(str, keys.tolist())) + "}")
    return polls.filter(_IsOneOf(key, listed))


def minutes_where(polls: PollQuerySet) -> dict[int, Minutes]:
    """{cage id: the `minute_number` of each of the polls, in any order}; one query.

    A cage without any is left out. A poll takes eight bytes on the way and four in the result.
    """
    number = _Int4Send(MINUTE_NUMBER)
    rows = polls.order_by().values("cage_id").annotate(packed=_Joined(number))
    return {
        cage_id: np.frombuffer(packed, ">i4").astype(np.int32)
        for cage_id, packed in rows.values_list("cage_id", "packed")
    }


def minutes_of_many(cage_ids: Iterable[int], window: Window) -> dict[int, bytes]:
    """The same as `minutes_of`, in less time where there are many; one query.

    `minutes_of` itself does without numpy, which would take memory in each worker that polls.
    """
    found = dict.fromkeys(cage_ids, bytes(window.minutes))
    number = _Int4Send(MINUTE_NUMBER * 2**CODE_BITS + CODE)
    rows = Poll.objects.within(found, window).order_by().values("cage_id")
    first = minute_number(window.start)
    for cage_id, packed in rows.annotate(packed=_Joined(number)).values_list("cage_id", "packed"):
        numbers = np.frombuffer(packed, ">i4")
        codes = np.zeros(window.minutes, np.uint8)
        codes[(numbers >> CODE_BITS) - first] = numbers & CODE_MASK
        found[cage_id] = codes.tobytes()
    return found
