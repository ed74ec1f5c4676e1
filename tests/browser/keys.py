"""A person who has a keyboard and no mouse."""

import pytest

# No page has so many controls.
STEPS = 120


def reach(page, control):
    """Press Tab until the control has the focus."""
    for _ in range(STEPS):
        if control.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {control}")


def press(page, control):
    """Press Enter at the control, which leads to a page."""
    reach(page, control)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def write(page, control, words):
    reach(page, control)
    page.keyboard.type(words)
