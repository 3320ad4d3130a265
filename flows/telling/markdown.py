"""Tables in Markdown, as Prefect shows them in artifacts."""

from collections.abc import Iterable


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return the lines of a table; numbers get their thousands set apart, nothing ends a cell early."""
    heads = list(columns)
    return [_line(heads), "|" + "---|" * len(heads), *(_line(row) for row in rows)]


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return " ".join(str(value).replace("|", "\\|").split())
