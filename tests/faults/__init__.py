"""Trials of the faults that a dispatcher survives: killed, starved, lied to, and then judged by the provider's record."""
