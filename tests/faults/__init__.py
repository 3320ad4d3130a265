"""Trials of the faults that a dispatcher survives, judged by the provider's own record of rings."""
