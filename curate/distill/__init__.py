"""Synthetic rows from a teacher: planned, asked for on a budget, held against gates, with their lineage."""
