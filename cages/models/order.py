"""Rows in an order: some of them by their numbers, and what is beside one of them."""

from typing import Any, TypeVar

from django.db import models
from django.db.models import F, Func, Subquery, Value
from django.db.models.expressions import OrderBy

Row = TypeVar("Row", bound=models.Model)


class IsBeside(Func):
    """Whether several expressions are before or after those of one row, in the order of rows.

    own: a Subquery that gives the same expressions of that row. Without a row nothing is beside it.
    sign: "<" for before, ">" for after.
    """

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, *expressions: Any, own: Subquery | None = None, sign: str = "<") -> None:
        super().__init__(*expressions, *([own] if own else []))
        self.sign = sign

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **context: Any
    ) -> tuple[str, list[Any]]:
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        *columns, own = (sql for sql, _params in parts)
        params = [param for _sql, some in parts for param in some]
        return f"({', '.join(columns)}) {self.sign} {own}", params


class Ordered(models.QuerySet[Row]):
    def rows(self, first: int, last: int) -> list[Row]:
        """The rows with these numbers in this order; one query.

        Only ids are sorted. To sort whole rows with their states takes several times as long.
        """
        return list(self.filter(pk__in=self.values("pk")[first:last]))

    def neighbours_of(self, row: Row, *fields: str) -> dict[str, Row]:
        """{"previous": Cage, "next": Cage} beside the row in this order, where there are any.

        fields: what is read of them beside the key. One query. What the rows are ordered by must
        not be NULL.
        """
        order = [
            F(by) if isinstance(by, str) else by.expression if isinstance(by, OrderBy) else by
            for by in self.query.order_by
        ]
        keyed: Any = self.annotate(**{f"key{number}": key for number, key in enumerate(order)})
        names = [f"key{number}" for number in range(len(order))]
        own = Subquery(keyed.filter(pk=row.pk).order_by().values(*names))
        sides = {
            "previous": keyed.filter(IsBeside(*names, own=own, sign="<")).reverse(),
            "next": keyed.filter(IsBeside(*names, own=own, sign=">")),
        }
        nearest = [
            rows.annotate(side=Value(side)).only("pk", *fields)[:1] for side, rows in sides.items()
        ]
        return {near.side: near for near in nearest[0].union(nearest[1], all=True)}
