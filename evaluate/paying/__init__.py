"""Payback: what each way costs a year, and when a fine-tune has paid for itself."""
