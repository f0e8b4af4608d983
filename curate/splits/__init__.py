"""Assign rows to splits so that no group, no cluster and no order in time is broken."""
