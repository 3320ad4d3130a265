"""Fault trials in simulated time: many campaigns, a provider that misbehaves, and dispatchers that die."""
