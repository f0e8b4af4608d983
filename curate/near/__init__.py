"""Texts as sets of shingles, and every pair of sets that are alike: exact, by an inverted index with filters."""
