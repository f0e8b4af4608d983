"""What a set holds of what it should: balance of the classes, edge cases that were asked for, thin regions."""
