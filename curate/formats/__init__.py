"""The files that rows can be written as, and what each cannot carry."""
