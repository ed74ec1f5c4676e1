"""Pages of long lists."""

from typing import Any

from django.core.paginator import Paginator


class CountedPaginator(Paginator):
    """A paginator that is given the number of rows, and so does not count them."""

    def __init__(self, object_list: Any, per_page: int, count: int) -> None:
        super().__init__(object_list, per_page)
        self.count = count
