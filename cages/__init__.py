"""The one app: cages, what was measured of them, and the pages that show it."""
