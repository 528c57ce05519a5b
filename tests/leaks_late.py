"""Imported by `leaks.ImportsLate` while it trains."""

FACTOR = 1.0
