import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from flows.contact_csv import LONGEST_ROW_BYTES, MOST_OPEN_QUOTES, read_csv
from flows.errors import InputError
from flows.file_rows import FileRows
from tests.examples import SEED
from transforms.contacts import LINE

OPEN_QUOTE = "a quote that does not close"
JUNK = "a quote that does not close, or text after a closing quote"
FEW, MANY = "too few columns", "too many columns"
NOT_UTF8 = "not UTF-8 text; save the file as UTF-8"


def read(tmp_path: Path, content: str | bytes, name: str = "people.csv") -> FileRows:
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_csv(file)


@pytest.mark.parametrize("line_ends", ["\n", "\r\n", "\r", "\r\n\n", "\n\r\n", "\n\r"])
def test_lines_may_end_in_any_way_even_in_several(tmp_path, line_ends):
    content = "a,b" + line_ends + "1,é" + line_ends + "3,4"
    found = read(tmp_path, content)
    assert found.rows.select("a", "b").rows() == [("1", "é"), ("3", "4")]
    assert found.rows[LINE].to_list()[0] == len(("a,b" + line_ends).splitlines()) + 1


@pytest.mark.parametrize(
    ("content", "headers", "rows"),
    [
        ("phone\n1\n\n2\n\n", ["phone"], [("1", 2), ("2", 4)]),
        ("phone\r\n1\r\n\r\n2", ["phone"], [("1", 2), ("2", 4)]),
        ('phone\n"1\n\n2"\n\n3', ["phone"], [("1\n\n2", 2), ("3", 6)]),
        ('"Phone, mobile"\n1\n', ["Phone, mobile"], [("1", 2)]),
        ("phone\n1", ["phone"], [("1", 2)]),
        ("a;b, or c\n1;2\n3;4\n", ["a", "b, or c"], [("1", "2", 2), ("3", "4", 3)]),
        ("a,b\n1;5,2|3\n", ["a", "b"], [("1;5", "2|3", 2)]),
    ],
)
def test_tiny_file_and_single_column_are_read_as_they_stand(
    tmp_path: Path, content: str, headers: list[str], rows: list[tuple[object, ...]]
) -> None:
    found = read(tmp_path, content)
    assert found.headers == headers
    assert found.rows.rows() == rows


def test_row_knows_the_line_it_starts_on(tmp_path: Path) -> None:
    found = read(tmp_path, 'id,"no\nte"\n\n1,"a\n\nb"\n\n\n2,"c\r\nd"\n3,e\n')
    assert found.headers == ["id", "no\nte"]
    assert found.rows.rows() == [("1", "a\n\nb", 4), ("2", "c\nd", 9), ("3", "e", 11)]


def test_everything_is_text_as_written(tmp_path: Path) -> None:
    found = read(tmp_path, "a,b,c,d\n007,1e5,2026-01-02,NULL\n")
    assert found.rows.drop(LINE).rows() == [("007", "1e5", "2026-01-02", "NULL")]


def test_name_of_a_file_is_no_pattern(tmp_path):
    for name in ("export[1].csv", "a*b?.csv"):
        assert read(tmp_path, "phone,a\n1,2\n", name).rows["phone"].to_list() == ["1"]


def test_first_line_must_hold_the_column_names(tmp_path):
    with pytest.raises(InputError, match="line 1: this line is blank; it must hold the column names"):
        read(tmp_path, "\n\nid,phone\n1,2\n")


@pytest.mark.parametrize(
    ("content", "rows", "unreadable"),
    [
        ("a,b,c\n1,2\n3,4,5\n", [3], [(2, FEW)]),
        ("a,b\n1,2,3,4\n3,4\n", [3], [(2, MANY)]),
        ("a,b\n\n   \n\n3,4\n", [5], [(3, FEW)]),
        ('a,b\n1,"x\ny"\n2\n3,4\n', [2, 5], [(4, FEW)]),
        ('a,b,c\n1,"x\ny"\n3,4,5\n', [4], [(2, FEW)]),
        ('a,b\n1,"x"y\n3,4\n', [3], [(2, JUNK)]),
        ('a,b\n1,"x\n3,4\n5,6\n', [3, 4], [(2, OPEN_QUOTE)]),
        ('a,b\n1,2\n3,"x\n', [2], [(3, OPEN_QUOTE)]),
        ('a,b\n1,"x\n2,"y\n3,4', [4], [(2, JUNK), (3, OPEN_QUOTE)]),
        ('a,b\n1,5" pipe\n3,4\n', [2, 3], []),
        ("a,b\n1,2\r\n3\n5,6\r\n", [2, 4], [(3, FEW)]),
    ],
)
def test_bad_row_is_kept_with_line_and_reason_and_its_neighbours_are_read(
    tmp_path: Path, content: str, rows: list[int], unreadable: list[tuple[int, str]]
) -> None:
    found = read(tmp_path, content)
    assert found.rows[LINE].to_list() == rows
    assert found.unreadable.rows() == unreadable


def test_line_that_is_too_long_is_set_aside(tmp_path: Path) -> None:
    found = read(tmp_path, f"a,b\n1,{'x' * (LONGEST_ROW_BYTES + 1)}\n3,4\n")
    assert found.rows.rows() == [("3", "4", 3)]
    assert found.unreadable[LINE].to_list() == [2]


def test_open_quote_in_a_large_file_costs_only_its_line(tmp_path: Path) -> None:
    lines = [f"{number},name of {number},+1212555{number:04d}" for number in range(200_000)]
    for open_quote in (50_000, 50_001, 120_000):
        lines[open_quote] = f'{open_quote},"name'
    found = read(tmp_path, "\n".join(["id,name,phone", *lines]))
    assert found.unreadable[LINE].to_list() == [50_002, 50_003, 120_002]
    assert found.rows.height == 200_000 - 3
    assert (found.rows["id"].cast(pl.Int64) + 2 == found.rows[LINE]).all()


def test_quoted_line_ends_in_a_large_file_make_no_rows(tmp_path: Path) -> None:
    note = "1,2\n" * 40
    content = "id,note\n" + "".join(f'{number},"{note}"\n' for number in range(60_000))
    found = read(tmp_path, content)
    assert found.rows.height == 60_000
    assert found.unreadable.is_empty()
    assert found.rows[LINE].to_list() == list(range(2, 2 + 41 * 60_000, 41))


def test_too_many_open_quotes_are_refused(tmp_path: Path) -> None:
    content = "a,b\n" + '1,"x\n' * (2 * MOST_OPEN_QUOTES + 10)
    with pytest.raises(InputError, match="quotes do not match"):
        read(tmp_path, content)


VALUES = st.sampled_from(["", "1", "é", "a b", "x,y", "l\nm", "l\n\nm", "\n", 'q"q', "  ", ";"])


@seed(SEED)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(VALUES, min_size=2, max_size=4), max_size=12),
    blanks=st.integers(0, 2),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_rows_and_lines_are_those_of_the_csv_module(
    tmp_path: Path, rows: list[list[str]], blanks: int, line_end: str, quoting: int
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)
    for row in [["a", "b", "c"], *rows, ["x", "y", "z"]]:
        writer.writerow([value.replace("\n", line_end) for value in row])
        text.write(line_end * blanks)
    reader = csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True)
    good, bad, last_line = [], [], 0
    for row in reader:
        first_line, last_line = last_line + 1, reader.line_num
        values = row[:3] if row[3:] == [""] else row  # an empty value too many is forgiven
        if len(values) == 3:
            good.append((*(value.replace("\r\n", "\n") or None for value in values), first_line))
        elif row:
            bad.append(first_line)
    found = read(tmp_path, text.getvalue())
    normal = found.rows.with_columns(pl.col(pl.String).str.replace_all("\r\n", "\n", literal=True))
    assert normal.rows() == good[1:]
    assert found.unreadable[LINE].to_list() == bad


@seed(SEED)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet='1",\n', max_size=40))
def test_no_line_is_lost_whatever_the_quotes(tmp_path: Path, text: str) -> None:
    content = f"a,b\n1,2\n{text}\n3,4"
    found = read(tmp_path, content)
    told = dict.fromkeys(found.unreadable[LINE], 0)
    for *values, line in found.rows.rows():
        told[line] = sum(value.count("\n") for value in values if value)
    starts = sorted(told)
    assert len(starts) == found.rows.height + found.unreadable.height
    for number, line in enumerate(content.split("\n")[1:], start=2):
        before = max((start for start in starts if start <= number), default=0)
        in_bad_row = before in found.unreadable[LINE].to_list()
        assert not line or number <= before + told.get(before, -1) or in_bad_row


def test_row_that_is_not_utf8_is_set_aside_and_its_neighbours_keep_their_lines(tmp_path):
    found = read(tmp_path, b'a,b\n1,"x\ny"\n2,\xe9\n\n3,"\xe9\nz"\n4,\xc3\xa9\r\n')
    assert found.rows.rows() == [("1", "x\ny", 2), ("4", "é", 8)]
    assert found.unreadable.rows() == [(4, NOT_UTF8), (6, NOT_UTF8)]
