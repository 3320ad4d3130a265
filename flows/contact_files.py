"""Reading contact files: CSV, Parquet and JSON lines into columns of text, with the line of every row."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

import sql
from flows.contact_csv import read_csv
from flows.errors import InputError
from flows.file_rows import UNREADABLE, FileRows, refuse_bad_headers
from transforms.contacts import LINE

_HEAD_BYTES = 65_536


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
        found = read_csv(file)
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


def _read_parquet(file: Path) -> FileRows:
    try:
        frame = pl.read_parquet(file, glob=False)
    except (pl.exceptions.ComputeError, OSError) as error:
        raise InputError(f"{file}: this Parquet file cannot be read ({error})") from None
    refuse_bad_headers(file, frame.columns)
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
    return FileRows(frame.columns, texts.with_columns(line), UNREADABLE.to_frame())


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
        bad = connection.sql(sql.statement("contacts/list_bad_json")).pl().cast(dict(UNREADABLE))
        headers = connection.sql(sql.statement("contacts/list_json_keys")).pl()["key"].to_list()
        if not headers:
            raise InputError(f"{file}: none of its {lines.height:,} lines is a JSON object with fields")
        refuse_bad_headers(file, headers)
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
