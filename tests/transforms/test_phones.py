import os
import re

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from transforms.phones import by_country, prepared, read_phones

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
FORMATS = (
    phonenumbers.PhoneNumberFormat.E164,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.NATIONAL,
    phonenumbers.PhoneNumberFormat.RFC3966,
)


def _library(written, region):
    """Return what the library itself reads, one number at a time."""
    text = re.sub(r"^(\d+)\.0$", r"\1", written.strip())
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None


@pytest.mark.parametrize(
    ("written", "region", "phone"),
    [
        ("256-734-6043", "US", "+12567346043"),
        ("(256) 734-6043", "US", "+12567346043"),
        ("1 256 734 6043", "US", "+12567346043"),
        ("2567346043.0", "US", "+12567346043"),
        ("256-734-6043 ext. 12", "US", "+12567346043"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("tel:+1-256-734-6043", None, "+12567346043"),
        ("+44 (0)20 7946 0958", None, "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("00 44 20 7946 0958", "DE", "+442079460958"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("06 698 12345", "IT", "+390669812345"),
        ("030 123456", "DE", "+4930123456"),
        ("+7 701 234 5678", None, "+77012345678"),
        ("".join(chr(0xFF10 + int(digit)) for digit in "2567346043"), "US", "+12567346043"),
    ],
)
def test_a_number_is_read_however_it_is_written(written, region, phone):
    assert read_phones(pl.Series([written]), region)["phone"].to_list() == [phone]


@pytest.mark.parametrize(
    ("written", "region", "reason"),
    [
        (None, "US", "no phone"),
        ("  ", "US", "no phone"),
        ("555-0199", "US", '"555-0199" is not a valid phone number for US'),
        ("2567346043", None, '"2567346043" has no country code; give a region such as US'),
        ("+1 256", None, '"+1 256" is not a valid phone number'),
        ("x" * 50, "US", f'"{"x" * 40}…" is not a valid phone number for US'),
    ],
)
def test_a_number_that_cannot_be_read_says_why(written, region, reason):
    found = read_phones(pl.Series([written], dtype=pl.String), region)
    assert found.rows() == [(None, reason)]


def test_an_unknown_region_is_refused():
    with pytest.raises(ValueError, match="'USA' is no region"):
        read_phones(pl.Series(["1"]), "USA")


def test_ordinary_numbers_need_no_library():
    written = pl.Series([f"({area}) 734-{line:04}" for area in (256, 212, 415) for line in range(1000)])
    split = by_country(prepared(written), "US")
    assert split.filter(pl.col("code") == 0).height == 0


@st.composite
def _written_numbers(draw):
    """Draw a region and numbers of many regions in many spellings, some of them damaged."""
    region = draw(st.sampled_from([None, *REGIONS]))
    numbers = []
    for _ in range(draw(st.integers(1, 12))):
        home = draw(st.sampled_from([region or "US", *REGIONS]))
        example = phonenumbers.example_number_for_type(home, draw(st.integers(0, 10)))
        text = phonenumbers.format_number(
            example or phonenumbers.example_number(home), draw(st.sampled_from(FORMATS))
        )
        for place, added in draw(
            st.lists(st.tuples(st.integers(0, 20), st.sampled_from([*"0123456789+-() /.x", ""])), max_size=2)
        ):
            cut = draw(st.integers(0, 1))
            text = text[:place] + added + text[place + cut :]
        numbers.append(text)
    return region, numbers


@seed(int(os.environ["TEST_SEED"]))
@settings(max_examples=400)
@given(_written_numbers())
def test_columns_are_read_like_the_library_reads_one_number(drawn):
    region, numbers = drawn
    found = read_phones(pl.Series(numbers), region)["phone"].to_list()
    assert found == [_library(number, region) for number in numbers]


@seed(int(os.environ["TEST_SEED"]))
@settings(max_examples=200)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=20))
def test_any_text_is_read_or_refused(texts):
    found = read_phones(pl.Series(texts), "US")
    assert found.height == len(texts)
    assert (found["phone"].is_null() != found["reason"].is_null()).all()
    assert found["phone"].to_list() == [_library(text, "US") for text in texts]
