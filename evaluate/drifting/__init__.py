"""Drift: a new sample against the frozen eval set and the training data."""
