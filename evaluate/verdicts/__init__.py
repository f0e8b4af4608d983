"""Verdicts: two runs in, ship, hold or inconclusive out, with the gates that led to it."""
