"""Reading CSV with DuckDB: every line of the file is accounted for, and every row knows its line.

Three habits of DuckDB's reader are kept out. It refuses a file whose lines end in different ways, so of such
a file a copy with one kind of line end is read. It splits a file between threads at places that may lie
inside a quoted value, and then loses or invents rows, so a file with quotes is read by one thread. And a
quote that is never closed swallows what follows, so only its line is set aside and reading starts again on
the next one.
"""

import csv
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

import sql
from flows.errors import InputError
from flows.file_rows import FileRows, refuse_bad_headers
from transforms.contacts import LINE
from transforms.csv_lines import REJECTED, Placement, place_rows

LONGEST_ROW_BYTES = 2_000_000
"""A longer row is set aside; it is almost always a quote that is never closed."""

MOST_OPEN_QUOTES = 20
"""How many lines with a quote that is never closed are set aside; a file with more is refused."""

_DELIMITERS = ",;\t|"
_SAMPLE_BYTES = 65_536
_SAMPLE_ROWS = 20
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class _Dialect:
    """How the rows of a file are written."""

    delimiter: str
    has_quotes: bool


@dataclass(frozen=True)
class _Source:
    """The text to read, all of a file or the rest of it, and the ``lines`` (``LINES``) its rows take."""

    text: Path
    has_header: bool
    lines: pl.DataFrame


def read_csv(file: Path) -> FileRows:
    """Return the rows of a CSV file with a header in its first line; the delimiter is one of ``, ; tab |``.

    Raises:
        InputError: its header cannot be used, or its quotes leave its rows in doubt.
    """
    with TemporaryDirectory(prefix="callplan-") as folder:
        has_quotes, line_end_bytes = _survey(file)
        text = file if line_end_bytes else _with_one_line_end(file, Path(folder))
        lines = _lines(text, line_end_bytes or 1)
        delimiter, headers, header_lines = _header(file, text)
        source = _Source(text, True, lines.slice(header_lines))
        dialect = _Dialect(delimiter, has_quotes)
        try:
            parts = list(_parts(file, source, headers, dialect, Path(folder)))
        except duckdb.Error as error:
            raise InputError(f"{file}: this cannot be read as CSV ({str(error).splitlines()[0]})") from None
    return FileRows(
        headers,
        pl.concat([rows for rows, _ in parts]),
        pl.concat([unreadable for _, unreadable in parts]),
    )


def _survey(file: Path) -> tuple[bool, int]:
    """Return whether the file has quotes, and how many bytes end each line, 0 if that differs."""
    has_quotes, feeds, returns, pairs, last = False, 0, 0, 0, b""
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            has_quotes = has_quotes or b'"' in chunk
            if returns or b"\r" in chunk:
                feeds += chunk.count(b"\n")
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
            else:
                feeds += b"\n" in chunk  # enough to tell that not all lines end in two bytes
            last = chunk[-1:]
    if not returns:
        return has_quotes, 1
    return has_quotes, 2 if feeds == returns == pairs else 0


def _with_one_line_end(file: Path, folder: Path) -> Path:
    copy = folder / "one_line_end.csv"
    with file.open("rb") as mixed, copy.open("wb") as one:
        rest = b""
        while chunk := mixed.read(_CHUNK_BYTES):
            chunk, rest = rest + chunk, b""
            if chunk.endswith(b"\r"):  # what it is a part of, the next chunk tells
                chunk, rest = chunk[:-1], b"\r"
            one.write(chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        one.write(rest.replace(b"\r", b"\n"))
    return copy


def _lines(text: Path, line_end_bytes: int) -> pl.DataFrame:
    size = pl.col("size").cast(pl.Int64) + line_end_bytes
    return _sizes(text).select(
        "has_quote",
        line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        starts_at_byte=size.cum_sum() - size,
        blank=pl.col("size") == 0,
    )


def _sizes(text: Path) -> pl.DataFrame:
    """Return the ``size`` of each line in bytes, without its end, and whether it ``has_quote``."""
    line = pl.col("line")
    try:
        lines = pl.scan_lines(text, name="line", glob=False)
        return lines.select(
            size=line.str.len_bytes(), has_quote=line.str.contains('"', literal=True)
        ).collect()
    except pl.exceptions.ComputeError:  # some are not UTF-8
        content = pl.Series("line", text.read_bytes().splitlines(), pl.Binary)
        return content.to_frame().select(size=line.bin.size(), has_quote=line.bin.contains(b'"'))


def _header(file: Path, text: Path) -> tuple[str, list[str], int]:
    """Return the delimiter, the headers and the number of lines that they take."""
    with text.open("rb") as content:
        sample = content.read(_SAMPLE_BYTES).decode("utf-8-sig", errors="replace")
    delimiter = max(_DELIMITERS, key=lambda candidate: _fit(sample, candidate))
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    names = [name.strip() for name in next(rows, [])]
    if not any(names):
        raise InputError(f"{file}, line 1: this line is blank; it must hold the column names")
    refuse_bad_headers(file, names)
    return delimiter, names, rows.line_num


def _fit(sample: str, delimiter: str) -> tuple[bool, int, int]:
    """Return how well a delimiter fits: it splits the header, rows are as wide as it, and it is wide."""
    try:
        rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        widths = [len(row) for row, _ in zip(rows, range(_SAMPLE_ROWS), strict=False) if row]
    except csv.Error:
        return False, 0, 0
    return (widths[0] > 1, widths.count(widths[0]), widths[0]) if widths else (False, 0, 0)


def _parts(
    file: Path, source: _Source, headers: list[str], dialect: _Dialect, folder: Path
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield rows and unreadable rows, once per stretch between lines with an open quote."""
    for _ in range(MOST_OPEN_QUOTES + 1):
        rows, placed = _parsed(source, headers, dialect)
        if not placed.complete:
            break
        yield _part(rows, placed, source.lines)
        if placed.resume_after is None or placed.resume_after == source.lines["line"].max():
            return
        source = _rest(source, placed.resume_after, folder)
    raise InputError(
        f"{file}: its rows cannot be told apart, quotes do not match from about line "
        f'{source.lines["line"][0]} on; close every quote, and write a quote inside a value as ""'
    )


def _parsed(source: _Source, headers: list[str], dialect: _Dialect) -> tuple[pl.DataFrame, Placement]:
    with duckdb.connect() as connection:
        rows = connection.sql(
            sql.statement("contacts/read_csv"),
            params={
                "file": str(source.text),
                "has_header": source.has_header,
                "delimiter": dialect.delimiter,
                "columns": {str(place): "varchar" for place in range(len(headers))},
                "parallel": not dialect.has_quotes,
                "longest": LONGEST_ROW_BYTES,
            },
        ).pl()
        rejected = connection.sql(sql.statement("contacts/list_rejected_rows")).pl()
    rows.columns = headers
    return rows, place_rows(rows, rejected.cast(dict(REJECTED)), source.lines)


def _part(rows: pl.DataFrame, placed: Placement, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows with their line, and those unreadable, up to an open quote."""
    read = rows.with_columns(placed.lines.alias(LINE))
    if placed.resume_after is not None:
        read = read.filter(pl.col(LINE) < placed.resume_after)
    if rows.width == 1:  # DuckDB reads a blank line as a row without a value
        blank = lines.filter("blank").select(pl.col("line").alias(LINE))
        read = read.join(blank, on=LINE, how="anti", maintain_order="left")
    return read, placed.rejected.rename({"line": LINE})


def _rest(source: _Source, line: int, folder: Path) -> _Source:
    """Return what comes after ``line``, in a file of its own."""
    lines = source.lines.filter(pl.col("line") > line)
    start = int(lines["starts_at_byte"][0])
    text = folder / f"after_{line}.csv"
    with source.text.open("rb") as whole, text.open("wb") as rest:
        whole.seek(start)
        shutil.copyfileobj(whole, rest, _CHUNK_BYTES)
    return _Source(text, False, lines.with_columns(pl.col("starts_at_byte") - start))
