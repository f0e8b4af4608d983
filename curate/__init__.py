"""Rows in, vetted rows out."""
