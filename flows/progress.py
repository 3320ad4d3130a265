"""Telling a person, or a log, which step of a longer piece of work begins."""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Called with a few words as each step begins."""


def silent(_: str) -> None:
    """Tell nobody."""
