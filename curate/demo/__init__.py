"""A help desk that never was: seeded tickets with planted flaws, and the run that finds them."""
