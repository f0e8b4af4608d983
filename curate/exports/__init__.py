"""Vetted rows to files, with the story of every row beside them."""
