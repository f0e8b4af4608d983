"""An index of all rows ever kept, against which tomorrow's rows are checked without reading the old ones again."""
