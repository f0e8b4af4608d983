"""Failures: what goes wrong, in clusters with names, and whether a fine-tune could help."""
