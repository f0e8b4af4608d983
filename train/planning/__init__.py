"""What a run would be and what speaks against it, before its first second; no torch."""
