"""What people and machines read: messages on stderr, results on stdout, times by the campaign's clock."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.progress import Progress
from transforms.wall_clock import to_local

_NO_WRAP_WIDTH = 100_000

_HARMLESS = {
    code: f"\\u{code:04x}"
    for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
"""What moves a terminal's cursor or turns its lines around, by how it is shown instead."""

_TOLD = {code: shown for code, shown in _HARMLESS.items() if chr(code) not in "\n\t"}


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _NO_WRAP_WIDTH
    return Console(stderr=stderr, width=width, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Tell a person something, on stderr."""
    _console(stderr=True).print(Text(message.translate(_TOLD)))


def show(text: str) -> None:
    """Print a line of a result, on stdout."""
    _console(stderr=False).print(Text(text.translate(_TOLD)))


def show_json(value: object) -> None:
    """Print a result for machines: one JSON value, instants in ISO 8601 and UTC."""
    sys.stdout.write(json.dumps(value, default=_as_json, ensure_ascii=False, indent=2) + "\n")


def tell(as_json: bool, result: dict[str, object], sentence: str) -> None:
    """Print a result, for machines or as a sentence."""
    if as_json:
        show_json(result)
    else:
        show(sentence)


def show_rows(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> None:
    """Print rows as a table, one column per key of the first."""
    if not rows:
        show("none")
        return
    console = _console(stderr=False)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for name, value in rows[0].items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_as_text(value).translate(_HARMLESS)) for value in row.values()))
    console.print(table)


def local_rows(frame: pl.DataFrame, zone_name: str) -> list[dict[str, Any]]:
    """Return a frame's rows with every instant on the wall clock of a zone, with its offset."""
    return [
        {
            name: to_local(zone_name, value) if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in frame.to_dicts()
    ]


@contextmanager
def steps() -> Iterator[Progress]:
    """Show which step of a longer piece of work is under way: a spinner in a terminal, else a line each."""
    console = _console(stderr=True)
    if not console.is_terminal:
        yield lambda step: console.print(Text(f"… {step}"))
        return
    with console.status("starting") as status:
        yield lambda step: status.update(Text(step))


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond else "seconds")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _as_json(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)
