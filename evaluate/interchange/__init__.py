"""Interchange: eval sets written for other harnesses, and runs of other harnesses read."""
