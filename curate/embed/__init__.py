"""Texts as vectors: who encodes them, and where vectors that were made once are kept."""
