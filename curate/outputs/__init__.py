"""Generative targets: answers that contradict, ignore, copy, miscalculate or break off; each against the set's own habit."""
