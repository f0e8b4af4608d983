"""What a made row is held against before it may come into a set: gates in an order, each over what earlier ones let through."""
