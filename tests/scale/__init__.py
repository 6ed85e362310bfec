"""Measurements of the built-in engine, minutes long: `make test-scale`. Their figures are in docs/performance.md."""
