"""Read things from the answer to a request."""

import html
import re

from django.db import connection
from django.test.utils import CaptureQueriesContext


def errors_of(response):
    """Return {field: error messages} and check that the page shows each one at its field."""
    assert response.status_code == 200
    page = response.content.decode()
    errors = response.context["form"].errors
    for field in errors:
        at_field = page.partition(f'id="id_{field}_error"')[2].partition("</div>")[0]
        assert at_field.count("<strong>") == len(errors[field])
        # Bootstrap hides an error if its field is not marked.
        (tag,) = re.findall(rf'<(?:input|select|textarea)[^>]*name="{field}"[^>]*>', page)
        assert "is-invalid" in tag
    return {field: list(messages) for field, messages in errors.items()}


def text_of(page):
    """Return the text that a person reads: no tags, entities decoded, blanks folded.

    page: an answer, or its markup.
    """
    markup = page if isinstance(page, str) else page.content.decode()
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def queries_of(call, *args, **kwargs):
    """Return the number of queries of the call; of one that gets a page, if it is 200."""
    with CaptureQueriesContext(connection) as queries:
        answer = call(*args, **kwargs)
    assert getattr(answer, "status_code", 200) == 200
    return len(queries)
