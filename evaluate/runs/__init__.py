"""Runs: one candidate's answers and scores on an eval set, as a folder."""
