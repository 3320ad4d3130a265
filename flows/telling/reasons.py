"""Why nothing is delivered, as a list in Markdown."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flows.standing import Standing, reasons


def why_of(campaigns: Iterable[dict[str, Any]], found: Standing, now: datetime) -> list[str]:
    """Return a line for each reason that holds one of ``campaigns`` back at ``now``."""
    return [f"- {row['name']}: {reason}" for row in campaigns for reason in reasons(row, found, now)]
