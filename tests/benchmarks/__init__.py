"""Measurements: every side of a comparison in one run, on the same files, each in a process of its own."""
