"""Vetset: vet training data before you fine-tune.

Import a room: ``vetset.curate`` (rows in, vetted rows out), ``vetset.evaluate``, ``vetset.train``, ``vetset.app``.
"""
