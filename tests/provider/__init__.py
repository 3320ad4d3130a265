"""A call provider in a process of its own: speaks Truedy's HTTP, records every ring, misbehaves on demand.

It knows nothing of callplan, so that its record can stand as evidence of what callplan did.
"""
