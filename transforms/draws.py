"""Random draws that are the same everywhere: a counter goes in, an even 64-bit number comes out.

The mixing function is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
number generators", 2014), whose output for consecutive counters passes the usual batteries of tests. No
generator keeps any state, so a draw depends on its counter alone and a plan can be replayed.
"""

import polars as pl

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


def mixed(counter: pl.Expr) -> pl.Expr:
    """Return 64 well-mixed bits (UInt64) for each UInt64 counter; arithmetic wraps at 2^64."""
    bits = counter + _u64(_GAMMA)
    bits = (bits ^ (bits // _u64(1 << 30))) * _u64(_FIRST)
    bits = (bits ^ (bits // _u64(1 << 27))) * _u64(_SECOND)
    return bits ^ (bits // _u64(1 << 31))


def mixed_number(counter: int) -> int:
    """Return what ``mixed`` returns, for one Python integer."""
    bits = (counter + _GAMMA) & _MASK
    bits = ((bits ^ (bits >> 30)) * _FIRST) & _MASK
    bits = ((bits ^ (bits >> 27)) * _SECOND) & _MASK
    return bits ^ (bits >> 31)


def draw(seed: int, counter: pl.Expr, choices: pl.Expr) -> pl.Expr:
    """Return an even draw from ``0..choices-1`` (UInt64) per counter, independent of other counters.

    ``choices`` is below 2^32; the unevenness of the draw is then below ``choices`` / 2^32.
    """
    stream = _u64(mixed_number(seed & _MASK))
    high_bits = mixed(counter.cast(pl.UInt64) ^ stream) // _u64(1 << 32)
    return (high_bits * choices.cast(pl.UInt64)) // _u64(1 << 32)


def _u64(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.UInt64)
