import polars as pl
import pytest

from transforms.csv_lines import LINES, REJECTED, Placement, place_rows


def lines_of(text: str, header_lines: int = 1) -> pl.DataFrame:
    """Return the lines of a text below its header."""
    starts_at_byte, lines = 0, []
    for number, line in enumerate(text.splitlines(), start=1):
        lines.append((number, starts_at_byte, not line, '"' in line))
        starts_at_byte += len(line.encode()) + 1
    return pl.DataFrame(lines[header_lines:], schema=LINES, orient="row")


def place(
    text: str, rows: list[tuple[str | None, ...]], *rejected: tuple[int, str, bool], header_lines: int = 1
) -> Placement:
    read = pl.DataFrame(rows, schema={"a": pl.String(), "b": pl.String()}, orient="row")
    refused = pl.DataFrame(
        [(start, start + len(row), open_quote, "why") for start, row, open_quote in rejected],
        schema=REJECTED,
        orient="row",
    )
    return place_rows(read, refused, lines_of(text, header_lines))


def test_row_takes_the_lines_of_its_values_and_blank_lines_are_none() -> None:
    placed = place('a,b\n\n1,"x\n\ny"\n\n2,z\n', [("1", "x\n\ny"), ("2", "z")])
    assert placed.lines.to_list() == [3, 7]
    assert (placed.complete, placed.resume_after) == (True, None)


def test_rejected_row_stands_between_the_rows_that_were_read() -> None:
    placed = place(
        'a,b\n1,x\n2\n"3\n3"\n4,y\n', [("1", "x"), ("4", "y")], (8, "2", False), (10, '"3\n3"', False)
    )
    assert placed.lines.to_list() == [2, 6]
    assert placed.rejected.rows() == [(3, "why"), (4, "why")]
    assert placed.complete


def test_header_may_take_several_lines() -> None:
    assert place('a,"b\nb"\n1,x\n', [("1", "x")], header_lines=2).lines.to_list() == [3]


def test_open_quote_makes_what_follows_count_for_nothing() -> None:
    placed = place('a,b\n1,x\n2,"y\n3,z\n', [("1", "x"), ("?", "?")], (8, '2,"y\n3,z', True), (99, "?", True))
    assert placed.lines[0] == 2
    assert placed.rejected.rows() == [(3, "why")]
    assert (placed.complete, placed.resume_after) == (True, 3)


def test_rest_that_was_dropped_begins_with_an_open_quote() -> None:
    placed = place('a,b\n1,x\n2,"y\n3,z\n', [("1", "x")])
    assert placed.rejected.rows() == [(3, "a quote that does not close")]
    assert (placed.complete, placed.resume_after) == (True, 3)


@pytest.mark.parametrize(
    ("rows", "rejected"),
    [
        ([("1", "x")], []),  # a row was lost, and no quote explains it
        ([("1", "x"), ("2", "y"), ("3", "z")], []),  # a row was invented
        ([("1", "x"), ("2", "y")], [(4, "1,x", False)]),  # a line was taken twice
        ([("1", "x")], [(5, "2,y", False)]),  # a rejected row starts where no line does
    ],
)
def test_lines_that_do_not_add_up_are_told(
    rows: list[tuple[str, str]], rejected: list[tuple[int, str, bool]]
) -> None:
    assert not place("a,b\n1,x\n2,y\n", rows, *rejected).complete
