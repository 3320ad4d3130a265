"""Fault trials with real processes: dispatchers that are killed, a provider that keeps its own record of rings."""
