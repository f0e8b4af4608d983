"""The documentation that ships in the wheel."""
