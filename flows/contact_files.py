"""Reading contact files: CSV, Parquet and JSON lines into columns of text, with the line of every row."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

import sql
from flows.errors import InputError
from transforms.contacts import LINE

MAX_LINE_BYTES = 4_194_304
"""The longest line that is read; a longer one is almost always a quote that never closes."""

_DELIMITERS = ",;\t|"
_HEAD_BYTES = 65_536
_UNREADABLE = pl.Schema({LINE: pl.Int64(), "reason": pl.String()})


@dataclass(frozen=True)
class FileRows:
    """The rows of a file: a text column per header and ``line``; and the unreadable lines, with why."""

    headers: list[str]
    rows: pl.DataFrame
    unreadable: pl.DataFrame


def read_rows(file: Path) -> FileRows:
    """Return the rows of a contact file; what it is is told by its content first, then by its name.

    Raises:
        InputError: the file is missing, empty, of another kind, or has no rows.
    """
    if not file.exists():
        raise InputError(f"{file}: no such file")
    if not file.is_file():
        raise InputError(f"{file}: this is not a file")
    with file.open("rb") as content:
        head = content.read(_HEAD_BYTES)
    _refuse_other_kinds(file, head)
    if head.startswith(b"PAR1"):
        found = _read_parquet(file)
    elif head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        found = _read_json_lines(file)
    else:
        found = _read_csv(file, head)
    if found.rows.is_empty() and found.unreadable.is_empty():
        raise InputError(f"{file}: there is no row below the header")
    return found


def _refuse_other_kinds(file: Path, head: bytes) -> None:
    save_as = "save it as CSV (UTF-8), Parquet or JSON lines and load that"
    kinds: Mapping[bytes, str] = {
        b"PK\x03\x04": "an Excel workbook or another zip archive",
        b"\xd0\xcf\x11\xe0": "an old Excel workbook",
        b"\x1f\x8b": "compressed with gzip",
        b"\xff\xfe": "UTF-16 text",
        b"\xfe\xff": "UTF-16 text",
        b"%PDF": "a PDF",
    }
    if not head.strip():
        raise InputError(f"{file}: the file is empty")
    for magic, kind in kinds.items():
        if head.startswith(magic):
            raise InputError(f"{file}: this is {kind}, not a contact file; {save_as}")
    if head.lstrip().startswith(b"["):
        raise InputError(f"{file}: this is one JSON array; write one JSON object a line instead")
    if b"\x00" in head and not head.startswith(b"PAR1"):
        raise InputError(f"{file}: this is binary data, not a contact file; {save_as}")


def _read_csv(file: Path, head: bytes) -> FileRows:
    text = head.decode("utf-8-sig", errors="replace")
    first_line = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    headers = [name.strip() for name in next(csv.reader(io.StringIO(text), delimiter=delimiter), [])]
    _refuse_bad_headers(file, headers)
    with duckdb.connect() as connection:
        good = connection.sql(
            sql.statement("contacts/read_csv"),
            params={
                "file": str(file),
                "delimiter": delimiter,
                "columns": dict.fromkeys(headers, "VARCHAR"),
                "max_line_bytes": MAX_LINE_BYTES,
            },
        ).pl()
        bad = connection.sql(sql.statement("contacts/list_rejected_lines")).pl().cast(dict(_UNREADABLE))
    if len(headers) == 1:  # DuckDB takes a blank line for a row of a single column
        good = good.filter(pl.col(headers[0]).is_not_null())
    lines, bad = _lines_of_rows(file, good.height, bad)
    return FileRows(headers, good.with_columns(lines), bad)


def _refuse_bad_headers(file: Path, headers: list[str]) -> None:
    twice = sorted({name for name in headers if headers.count(name) > 1})
    if twice:
        raise InputError(f"{file}: the header has {', '.join(map(repr, twice))} more than once")
    if "" in headers:
        raise InputError(f"{file}: column {headers.index('') + 1} has no header")
    if LINE in headers:
        raise InputError(f"{file}: a column is called {LINE!r}, which callplan needs itself; rename it")


def _lines_of_rows(file: Path, rows: int, bad: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Return the physical line on which each good row starts, and the bad rows with theirs.

    DuckDB numbers a line break inside a quoted value as no line. A line starts a row when the quotes before
    it are paired; where a lone quote stands inside a value no value spans lines, and every line starts one.
    Blank lines are no rows.

    Raises:
        InputError: the file has rows that were neither read nor rejected.
    """
    lines = pl.Series("text", file.read_text(encoding="utf-8", errors="replace").split("\n"))
    quotes = pl.col("text").str.count_matches('"', literal=True)
    physical = (
        pl.LazyFrame({"text": lines})
        .with_row_index(LINE, offset=1)
        .select(
            pl.col(LINE).cast(pl.Int64),
            blank=pl.col("text").str.strip_chars("\r") == "",
            paired=quotes.cum_sum().shift(1, fill_value=0) % 2 == 0,
        )
        .collect()
    )
    for starts in (physical.filter("paired"), physical):
        numbered = starts.with_row_index("counted", offset=1).with_columns(pl.col("counted").cast(pl.Int64))
        placed_bad = bad.join(numbered, left_on=LINE, right_on="counted", maintain_order="left")
        good = (
            numbered.filter(~pl.col("blank"))
            .slice(1)
            .join(placed_bad, left_on=LINE, right_on=f"{LINE}_right", how="anti", maintain_order="left")
        )
        if good.height == rows and placed_bad.height == bad.height:
            return good[LINE], placed_bad.select(pl.col(f"{LINE}_right").alias(LINE), "reason")
    raise InputError(
        f"{file}: {physical.height - 1:,} lines stand below the header and {rows:,} rows could be read; "
        "check for quotes that open and never close"
    )


def _read_parquet(file: Path) -> FileRows:
    try:
        frame = pl.read_parquet(file)
    except (pl.exceptions.ComputeError, OSError) as error:
        raise InputError(f"{file}: this Parquet file cannot be read ({error})") from None
    _refuse_bad_headers(file, frame.columns)
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested() or dtype == pl.Binary]
    if nested:
        raise InputError(
            f"{file}: column {nested[0]} is {frame.schema[nested[0]]}; use a column of plain values"
        )
    texts = frame.select(
        pl.when(pl.col(name) == pl.col(name).cast(pl.Int64, strict=False))
        .then(pl.col(name).cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(pl.col(name).cast(pl.String))
        .alias(name)
        if dtype.is_float()
        else pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
    )
    line = pl.int_range(1, texts.height + 1, dtype=pl.Int64, eager=True).alias(LINE)
    return FileRows(frame.columns, texts.with_columns(line), _UNREADABLE.to_frame())


def _read_json_lines(file: Path) -> FileRows:
    lines = (
        pl.LazyFrame({"text": file.read_text(encoding="utf-8-sig", errors="replace").split("\n")})
        .with_row_index(LINE, offset=1)
        .with_columns(pl.col(LINE).cast(pl.Int64))
        .filter(pl.col("text").str.strip_chars() != "")
        .collect()
    )
    with duckdb.connect() as connection:
        connection.register("json_line", lines.to_arrow())
        bad = connection.sql(sql.statement("contacts/list_bad_json")).pl().cast(dict(_UNREADABLE))
        headers = connection.sql(sql.statement("contacts/list_json_keys")).pl()["key"].to_list()
        _refuse_bad_headers(file, headers)
        values = connection.sql(
            sql.statement("contacts/read_json"), params={"paths": [_json_path(key) for key in headers]}
        ).pl()
    rows = values.select(
        *(pl.col("found").list.get(place).alias(key) for place, key in enumerate(headers)), LINE
    )
    return FileRows(headers, rows, bad)


def _json_path(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'
