"""Rules that look for eval rows and answers where a model would have seen them."""
