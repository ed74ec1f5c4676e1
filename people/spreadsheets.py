"""Texts in a file that people open with a spreadsheet."""

# A spreadsheet would take a text that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def guarded(text: str) -> str:
    """Return the text with an apostrophe before what would be a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
