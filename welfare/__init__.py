"""Welfare: rules, the concerns they raise, the desk where people work on them, and notices."""
