import json

import polars as pl
import pytest

from transforms.contacts import MOST_ID_BYTES, MOST_VARIABLES_BYTES, HeaderError, match_headers, read_contacts


def _read(rows, region="US", **chosen):
    frame = pl.DataFrame(rows).with_columns(line=pl.int_range(2, pl.len() + 2, dtype=pl.Int64))
    matched = match_headers([name for name in frame.columns if name != "line"], chosen)
    return read_contacts(frame, matched, "people.csv", region)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Telephone Number", "phone"),
        ("PHONE", "phone"),
        ("mobile", "phone"),
        ("Customer-ID", "contact_id"),
        ("id", "contact_id"),
        ("First Name", "first_name"),
        ("surname", "last_name"),
        ("E-Mail", "email"),
        ("Time Zone", "timezone"),
        ("state", "region"),
        ("ZIP code", "postal_code"),
    ],
)
def test_a_header_is_known_in_any_spelling(header, field):
    assert match_headers(["phone", header] if field != "phone" else [header], {})[field] == header


def test_the_fields_own_name_wins_over_a_synonym():
    assert match_headers(["mobile", "Phone"], {}) == {"phone": "Phone"}


def test_two_synonyms_ask_which_is_meant():
    with pytest.raises(HeaderError) as caught:
        match_headers(["mobile", "tel"], {})
    assert caught.value.problems == ['phone: could be mobile or tel; say which with --map phone="mobile"']
    assert match_headers(["mobile", "tel"], {"phone": "tel"}) == {"phone": "tel"}


def test_wrong_choices_are_told_together():
    with pytest.raises(HeaderError) as caught:
        match_headers(["phone"], {"fone": "phone", "email": "mail"})
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["fone", "email"]


def test_a_file_without_a_phone_column_is_refused():
    with pytest.raises(HeaderError, match="no column looks like one among name, day"):
        match_headers(["name", "day"], {})


def test_the_first_of_a_repeated_id_or_phone_stays():
    contacts, rejects = _read(
        {
            "id": ["a", "a", "b", "c", "d"],
            "phone": ["212-555-0190", "212-555-0191", "(212) 555 0190", "", "212 555 0191"],
        }
    )
    assert contacts["contact_id"].to_list() == ["a", "d"]
    assert rejects.select("line", "kind", "reason").rows() == [
        (3, "duplicate contact_id", "contact_id a seen before, in line 2"),
        (4, "duplicate phone", "phone +12125550190 seen before, in line 2"),
        (5, "no phone", "no phone"),
    ]


def test_a_contact_without_an_id_is_named_after_its_line():
    contacts, _ = _read({"phone": ["2125550190", "2125550191"]})
    assert contacts["contact_id"].to_list() == ["people.csv:2", "people.csv:3"]


def test_other_columns_become_variables_and_text_is_trimmed():
    contacts, _ = _read({"phone": [" 2125550190 "], "First Name": [" Ada "], "Policy": ["P1"], "note": [" "]})
    assert contacts["first_name"].to_list() == ["Ada"]
    assert json.loads(contacts["variables"][0]) == {"Policy": "P1"}


def test_the_state_is_not_the_country_of_a_number():
    contacts, rejects = _read({"phone": ["2125550190"], "region": ["GB"]}, region=None)
    assert contacts.is_empty()
    assert rejects["reason"].to_list() == ['"2125550190" has no country code; give a region such as US']


def test_a_row_with_more_data_than_a_call_may_carry_is_set_aside():
    longest = MOST_VARIABLES_BYTES - len('{"note":""}')
    contacts, rejects = _read(
        {
            "id": ["a", "b", "c"],
            "phone": ["212 555 0101", "212 555 0102", "bad"],
            "note": ["x" * longest, "ü" * (longest // 2 + 1), "x" * (longest + 1)],
        }
    )
    assert contacts["contact_id"].to_list() == ["a"]
    assert len(contacts["variables"][0]) == MOST_VARIABLES_BYTES
    assert rejects.select("contact_id", "kind").rows() == [("b", "too much data"), ("c", "invalid phone")]
    assert rejects["reason"][0] == "its other columns are 65537 bytes of JSON; 65536 may be"


def test_a_row_with_an_id_that_is_too_long_is_set_aside():
    longest = "i" * MOST_ID_BYTES
    contacts, rejects = _read({"id": [longest, longest + "i"], "phone": ["212 555 0101", "212 555 0102"]})
    assert contacts["contact_id"].to_list() == [longest]
    assert rejects.select("kind", "reason").rows() == [
        ("too much data", "its contact_id is 401 bytes; 400 may be")
    ]
