"""Eval sets: which rows are chosen, how they are guarded, how often they were looked at."""
