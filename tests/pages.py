"""What tests of pages read from an answer."""

import html
import re


def errors_of(response):
    """{field: its error messages}, and every one of them is on the page, at that field."""
    assert response.status_code == 200
    page = response.content.decode()
    errors = response.context["form"].errors
    for field in errors:
        at_field = page.partition(f'id="id_{field}_error"')[2].partition("</div>")[0]
        assert at_field.count("<strong>") == len(errors[field])
        # Bootstrap hides an error whose field is not marked.
        (tag,) = re.findall(rf'<(?:input|select|textarea)[^>]*name="{field}"[^>]*>', page)
        assert "is-invalid" in tag
    return {field: list(messages) for field, messages in errors.items()}


def text_of(response):
    """What a person reads: tags out, entities in, blanks squeezed."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())
