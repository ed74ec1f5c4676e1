"""How facts look: strips, ticks, charts and words. Nothing here asks the database."""
