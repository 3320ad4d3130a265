"""What reading a contact file gives, whatever its format."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.errors import InputError
from transforms.contacts import LINE

UNREADABLE = pl.Schema({LINE: pl.Int64(), "reason": pl.String()})
"""One row per row of a file that could not be read, with the line it starts on and why."""


@dataclass(frozen=True)
class FileRows:
    """The rows of a file: a text column per header and ``line``; and those unreadable (``UNREADABLE``)."""

    headers: list[str]
    rows: pl.DataFrame
    unreadable: pl.DataFrame


def refuse_bad_headers(file: Path, headers: list[str]) -> None:
    """Raise InputError unless every column has a name of its own."""
    twice = sorted({name for name in headers if headers.count(name) > 1})
    if twice:
        raise InputError(f"{file}: the header has {', '.join(map(repr, twice))} more than once")
    if "" in headers:
        raise InputError(f"{file}: column {headers.index('') + 1} has no header")
    if LINE in headers:
        raise InputError(f"{file}: a column is called {LINE!r}, which callplan needs itself; rename it")
