"""Benchmarks. The tests never run them; README.md says what each measures and what it showed."""
