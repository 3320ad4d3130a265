"""Chance that is the same each time: numbers drawn from a seed and names."""

from collections.abc import Mapping
from hashlib import blake2b


def draw(*parts: object) -> float:
    """Return a number in [0, 1) that depends on nothing but the parts."""
    named = "\0".join(map(str, parts)).encode(errors="surrogateescape")  # headers may hold any byte
    digest = blake2b(named, digest_size=8).digest()
    return int.from_bytes(digest[:7]) / 2**56


def draw_name(weights: Mapping[str, float], *parts: object) -> str:
    """Return one of the names, each as likely as its weight says, in whatever order they come."""
    names = sorted(name for name, weight in weights.items() if weight > 0)
    left = draw(*parts) * sum(weights[name] for name in names)
    for name in names:
        left -= weights[name]
        if left < 0:
            return name
    return names[-1]
