"""Benchmarks. README.md says what each measures. The tests never run them."""
