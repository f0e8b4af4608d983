"""What training leaves: lineage, card, and the library of adapters."""
