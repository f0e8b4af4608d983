"""Rules that find the same example twice."""
