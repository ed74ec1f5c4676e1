"""What pages of lists share."""

from typing import Any

from django.core.paginator import Paginator


class CountedPaginator(Paginator):
    """A paginator that was told how many rows there are, so that it need not count them again."""

    def __init__(self, object_list: Any, per_page: int, count: int) -> None:
        super().__init__(object_list, per_page)
        self.count = count
