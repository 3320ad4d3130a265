"""Statements that say something else for a while: how a guard that is written in SQL is taken out."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from unittest.mock import patch

import sql
from flows import ledger

_GATE = "due.held_because is null"


def stated(changes: Mapping[str, tuple[str, str]]) -> Callable[[], AbstractContextManager[object]]:
    """Change what statements say: for each of them a text that is in it, and what stands there instead."""

    @contextmanager
    def while_they_do() -> Iterator[None]:
        statement = sql.statement

        def changed(name: str) -> str:
            text = statement(name)
            if name not in changes:
                return text
            before, after = changes[name]
            assert before in text, f"{name} does not say {before!r}"
            return text.replace(before, after)

        for name in changes:
            changed(name)
        ledger._PARSED.clear()
        try:
            with patch.object(sql, "statement", changed):
                yield
        finally:
            ledger._PARSED.clear()

    return while_they_do


def claimed_in_spite_of(
    reason: str, beside: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> Callable[[], AbstractContextManager[object]]:
    """Claim slots that are held back for a reason, which begins so; ``beside`` are further changes."""
    claims = {"ledger/claim_due": (_GATE, f"({_GATE} or starts_with(due.held_because, '{reason}'))")}
    return stated(claims | dict(beside))
