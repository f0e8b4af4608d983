"""Any file to rows: find the sources, guess the shape, convert, keep what cannot be used."""
