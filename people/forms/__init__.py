"""Forms for accounts and tokens."""
