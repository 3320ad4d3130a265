"""Fault trials with real processes: dispatchers that are killed, a provider with a record of its own."""
