"""The keys of artifacts: artifacts of one key are versions of one another."""

import re

_MOST_LETTERS = 40


def key_of(kind: str, name: str, campaign_id: str) -> str:
    """Return a key that people can read and no other campaign has: ``plan-spring-renewals-21b4ff7f``."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_MOST_LETTERS].strip("-")
    return "-".join(part for part in (kind, words, campaign_id[:8]) if part)
