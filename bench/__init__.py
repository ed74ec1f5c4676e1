"""Benchmarks. The tests never run them; README.md says what they showed."""
