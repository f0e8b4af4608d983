"""Everything that says go or no-go: eval sets, models, scorers, the verdict."""
