"""What is trained on, as a model gets it: read, rendered by its chat template, tokenized, masked; no torch."""
