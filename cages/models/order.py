"""Rows in an order: some of them by their numbers, and what is beside one of them."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import models
from django.db.models import F, Func, Value
from django.db.models.expressions import OrderBy

Row = TypeVar("Row", bound=models.Model)


class IsBeside(Func):
    """Whether several expressions are before or after the values `own`, in the order of rows.

    sign: "<" for before, ">" for after.
    """

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, *expressions: Any, own: Sequence[Any] = (), sign: str = "<") -> None:
        super().__init__(*expressions, *map(Value, own))
        self.sign = sign

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **context: Any
    ) -> tuple[str, list[Any]]:
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        columns, values = parts[: len(parts) // 2], parts[len(parts) // 2 :]
        left, right = (", ".join(sql for sql, _params in half) for half in (columns, values))
        params = [param for _sql, some in parts for param in some]
        return f"({left}) {self.sign} ({right})", params


class Ordered(models.QuerySet[Row]):
    def rows(self, first: int, last: int) -> list[Row]:
        """The rows with these numbers in this order; one query.

        Only ids are sorted. To sort whole rows with their states takes several times as long.
        """
        return list(self.filter(pk__in=self.values("pk")[first:last]))

    def neighbours_of(self, row: Row, *fields: str) -> dict[str, Row]:
        """{"previous": Cage, "next": Cage} beside the row in this order, where there are any.

        fields: what is read of them beside the key. Two queries. What the rows are ordered by must
        not be NULL.
        """
        order = [
            F(by) if isinstance(by, str) else by.expression if isinstance(by, OrderBy) else by
            for by in self.query.order_by
        ]
        keyed: Any = self.annotate(**{f"key{number}": key for number, key in enumerate(order)})
        names = [f"key{number}" for number in range(len(order))]
        own = keyed.filter(pk=row.pk).values_list(*names).first()
        if own is None:
            return {}
        sides = {
            "previous": keyed.filter(IsBeside(*names, own=own, sign="<")).reverse(),
            "next": keyed.filter(IsBeside(*names, own=own, sign=">")),
        }
        nearest = [
            rows.annotate(side=Value(side)).only("pk", *fields)[:1] for side, rows in sides.items()
        ]
        return {near.side: near for near in nearest[0].union(nearest[1], all=True)}
