"""Scorers: an answer and its reference in, a score from 0 to 1 out, and what could not be scored told apart."""
