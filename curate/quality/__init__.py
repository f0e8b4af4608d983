"""Rules that look at one row by itself, and at how it stands out from the rest."""
