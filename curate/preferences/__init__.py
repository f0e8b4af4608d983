"""Preference pairs: those that teach nothing, that contradict each other, and what else decided beside the quality."""
