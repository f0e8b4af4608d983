"""A distillation from its recipe: what it names is opened, and `curate.distill` runs."""
