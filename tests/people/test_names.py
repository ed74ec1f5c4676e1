"""Names: how they are cleaned, and which of them read the same."""

from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from people.names import key_of, shown_name


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=100))
def test_a_name_reads_the_same_before_and_after_it_is_cleaned(text):
    """Else an import would not find the cage that it made itself."""
    try:
        shown = shown_name(text)
    except ValidationError:
        return
    assert key_of(shown) == key_of(text)
    assert shown_name(shown) == shown
