"""Uncertainty: intervals, paired tests, clustered errors, power, many looks. Each function names its source."""
