import polars as pl
import pytest

from flows.contact_files import read_rows
from flows.errors import InputError


def _file(tmp_path, content, name="people.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def _lines(found):
    return found.rows["line"].to_list(), found.unreadable["line"].to_list()


def test_every_row_is_read_or_told_with_its_line(tmp_path):
    file = _file(
        tmp_path,
        'id,phone,name\n1,+1256,Al\n2,+1257\n3,+1258,Bo,extra\n\n4,+1259,"Mul\nti"\n5,+1,x\n6,+1,"bad"x\n7,1,y\n',
    )
    found = read_rows(file)
    assert _lines(found) == ([2, 6, 8, 10], [3, 4, 9])
    assert found.rows["name"].to_list() == ["Al", "Mul\nti", "x", "y"]
    assert found.unreadable["reason"].to_list()[:2] == ["too few columns", "too many columns"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_the_usual_dialects_are_read(tmp_path, delimiter, newline, start):
    rows = [["name", "phone"], ["Åsa", "+1256"], ["Bo", ""]]
    text = start + newline.join(delimiter.join(row) for row in rows) + newline
    found = read_rows(_file(tmp_path, text))
    assert found.headers == ["name", "phone"]
    assert found.rows["name"].to_list() == ["Åsa", "Bo"]
    assert _lines(found) == ([2, 3], [])


def test_blank_lines_of_a_single_column_are_no_rows(tmp_path):
    found = read_rows(_file(tmp_path, "phone\n123\n\n456"))
    assert _lines(found) == ([2, 4], [])


def test_a_lone_quote_inside_a_value_does_not_shift_lines(tmp_path):
    found = read_rows(_file(tmp_path, "name,phone\nAl 5'11\" tall,1\nBo,2\n"))
    assert _lines(found) == ([2, 3], [])


def test_a_line_that_is_not_utf8_is_set_aside_and_its_neighbours_stay(tmp_path):
    found = read_rows(_file(tmp_path, b"name,phone\nAl,1\nB\xf6,2\nCy,3\n"))
    assert _lines(found) == ([2, 4], [3])
    assert found.unreadable["reason"].to_list() == ["not UTF-8 text; save the file as UTF-8"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04\x14\x00", "this is an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1", "this is an old Excel workbook"),
        (b"\x1f\x8b\x08", "this is compressed with gzip"),
        ("name,phone\nAl,1\n".encode("utf-16"), "this is UTF-16 text"),
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"name,phone\n", "there is no row below the header"),
        (b'[{"phone": "1"}]', "this is one JSON array"),
        (b'{"phone": "1"\n{}\n', "none of its 2 lines is a JSON object with fields"),
        (b"name,phone,name\nAl,1,Bo\n", "the header has 'name' more than once"),
        (b"name,,phone\nAl,x,1\n", "column 2 has no header"),
        (b"PAR1 but not really", "this Parquet file cannot be read"),
        (b"name,phone\x00\nAl,1\n", "this is binary data"),
    ],
)
def test_what_is_no_contact_file_is_told_in_one_sentence(tmp_path, content, told):
    file = _file(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_rows(file)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{file}: {told}")


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_rows(tmp_path / "missing.csv")
    with pytest.raises(InputError, match="not a file"):
        read_rows(tmp_path)


def test_json_lines_keep_every_key_and_tell_bad_lines(tmp_path):
    text = '{"id": 1, "phone": "+1", "more": {"a": [1]}}\n\nnope\n[1]\n{"phone": 12567346043, "q\\"q": "x"}\n'
    found = read_rows(_file(tmp_path, text, "people.jsonl"))
    assert found.headers == ["id", "phone", "more", 'q"q']
    assert found.rows.rows() == [("1", "+1", '{"a":[1]}', None, 1), (None, "12567346043", None, "x", 5)]
    assert found.unreadable.rows() == [(3, "not a JSON object"), (4, "not a JSON object")]


def test_numbers_of_a_parquet_file_become_text_without_a_fraction(tmp_path):
    file = tmp_path / "people.parquet"
    pl.DataFrame({"phone": [2567346043.0, None], "score": [1.5, 2.0], "id": [1, 2]}).write_parquet(file)
    found = read_rows(file)
    assert found.rows.rows() == [("2567346043", "1.5", "1", 1), (None, "2", "2", 2)]


def test_a_nested_column_of_a_parquet_file_is_refused(tmp_path):
    file = tmp_path / "people.parquet"
    pl.DataFrame({"phone": [["1", "2"]]}).write_parquet(file)
    with pytest.raises(InputError, match="column phone is List"):
        read_rows(file)
