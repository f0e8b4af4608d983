"""Where a person meets vetset: the command line and the dashboard. No logic."""
