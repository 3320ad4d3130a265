"""Instants that are kept in files of their own: when something was done last."""

from datetime import UTC, datetime
from pathlib import Path


def read_instant(file: Path) -> datetime:
    """Return the instant in ``file``; the beginning of time where there is none, or none that can be read."""
    try:
        return datetime.fromisoformat(file.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


def write_instant(file: Path, instant: datetime) -> None:
    """Keep an instant in ``file``."""
    file.write_text(instant.isoformat(), encoding="ascii")
