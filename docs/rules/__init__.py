"""One page a rule, shown by `vetset rule NAME`."""
