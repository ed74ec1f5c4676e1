"""Cages from a CSV file: read (sheet), judged row by row (plan), then carried out (carry_out)."""
