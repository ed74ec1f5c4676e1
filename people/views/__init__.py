"""Pages about the person who uses them."""
