"""How a page has to be in every theme and at every width."""

from pathlib import Path

from django.conf import settings

AXE = Path(settings.BASE_DIR, "node_modules/axe-core/axe.min.js").read_text()
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# Each theme has the same markup, so of these rules alone another theme is something new.
OF_COLOUR = ["color-contrast", "link-in-text-block"]
# The narrowest of each layout, and what people have.
WIDTHS = (320, 390, 640, 768, 992, 1065, 1200, 1280, 1400)
# Shows what axe-core found as readable lines.
FOUND = """async ([theme, rules]) => {
  document.documentElement.dataset.theme = theme;
  // Names of what passed take most of the time.
  const options = { runOnly: rules, resultTypes: ["violations"], preload: false };
  const { violations } = await axe.run(options);
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target} ${n.failureSummary}`));
}"""


def problems_on(page):
    """Return what axe-core finds on the open page, as {theme: problems}."""
    page.evaluate(AXE)
    found = {"light": page.evaluate(FOUND, ["light", STANDARD])}
    for theme in ("dark", "night"):
        found[theme] = page.evaluate(FOUND, [theme, OF_COLOUR])
    return {theme: problems for theme, problems in found.items() if problems}


def wider_than_the_window(page, address):
    """Return [(address, width)] for the widths at which the open page scrolls sideways."""
    wide = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 450})
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append((address, width))
    return wide
