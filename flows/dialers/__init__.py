"""Dialers: what places a call and learns its outcome."""
