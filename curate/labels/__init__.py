"""Labels: those that are wrong, ambiguous, two names of one thing, rare, or changed in meaning."""
