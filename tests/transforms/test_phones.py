import re

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from tests.examples import SEED
from transforms import phones
from transforms.phones import LIBRARY, by_country, prepared, read_phones

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
TYPES = range(11)
FORMATS = (
    phonenumbers.PhoneNumberFormat.E164,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.NATIONAL,
    phonenumbers.PhoneNumberFormat.RFC3966,
)
PREFIXES = ["", "+", "0", "00", "011", "1", "8", "(0) ", "tel:", "+00", "+ ", "x", "Fax: ", "\u202a"]
SUFFIXES = ["", " x12", ",ext. 5", "X1234567", "x12345678", ";ext=3", ".0", " (0)", "/ x5", "#", " - ", ","]
PHONE_CHARACTERS = "0123456789" * 2 + "+-() ./[]x~#,;*:" + "\u00a0\u2013\u200b\uff0b\uff11\u0661\x1c\tEe"


def _library(written, region):
    """Return what the library itself reads, one number at a time."""
    if written is None:
        return None
    text = re.sub(r"^(\d+)\.0$", r"\1", written.strip())
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None


def _assert_read_like_the_library(texts, region):
    found = read_phones(pl.Series(texts, dtype=pl.String), region)
    assert found["phone"].to_list() == [_library(text, region) for text in texts]
    assert (found["phone"].is_null() != found["reason"].is_null()).all()


def _left_to_the_library(texts, region):
    return by_country(prepared(pl.Series(texts)), region).filter(code=LIBRARY)["text"].to_list()


def _spellings(number):
    """Return a number as people write it, with and without its country's code."""
    national = phonenumbers.national_significant_number(number)
    written = [phonenumbers.format_number(number, form) for form in FORMATS]
    return [*written, national, f"{number.country_code}{national}", f"00{number.country_code}{national}"]


def _example_numbers(region):
    found = (phonenumbers.example_number_for_type(region, number_type) for number_type in TYPES)
    return [number for number in found if number]


@pytest.mark.parametrize(
    ("written", "region", "phone"),
    [
        ("256-734-6043", "US", "+12567346043"),
        ("(256) 734-6043", "US", "+12567346043"),
        ("1 256 734 6043", "US", "+12567346043"),
        ("12567346043", "US", "+12567346043"),
        ("2567346043.0", "US", "+12567346043"),
        ("12567346043.0", "US", "+12567346043"),
        (" 256.734.6043 ", "US", "+12567346043"),
        ("256\u2013734\u00a06043", "US", "+12567346043"),
        ("256-734-6043 ext. 12", "US", "+12567346043"),
        ("256-734-6043x12", "US", "+12567346043"),
        ("256-734-6043 x302/x303", "US", "+12567346043"),
        ("256-734-6043;ext=12", "US", "+12567346043"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("tel:+1-256-734-6043", None, "+12567346043"),
        ("tel:734-6043;phone-context=+1-256", None, "+12567346043"),
        ("Cell: 256-734-6043", "US", "+12567346043"),
        ("'+12567346043", None, "+12567346043"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("+011 44 20 7946 0958", "US", "+442079460958"),
        ("00 44 20 7946 0958", "DE", "+442079460958"),
        ("+0044 20 7946 0958", "DE", "+442079460958"),
        ("8~10 1 256 734 6043", "RU", "+12567346043"),
        ("416-555-0123", "CA", "+14165550123"),
        ("4165550123", "US", "+14165550123"),
        ("555-0123", "JM", None),
        ("460-1234", "AG", "+12684601234"),
        ("+44 (0)20 7946 0958", None, "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("20 7946 0958", "GB", "+442079460958"),
        ("442079460958", "GB", "+442079460958"),
        ("4402079460958", "GB", "+442079460958"),
        ("44002079460958", "GB", "+442079460958"),
        ("07624 412345", "GB", "+447624412345"),
        ("456789", "JE", "+441534456789"),
        ("44 1481 256789", "GG", "+441481256789"),
        ("0004 012345", "UY", "+5980004012345"),
        ("2 1x123456", "NO", "+4721123456"),
        ("21x123456", "NO", None),
        ("06 698 12345", "IT", "+390669812345"),
        ("+39 06 698 12345", None, "+390669812345"),
        ("6 698 12345", "IT", None),
        ("030 123456", "DE", "+4930123456"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("+54 9 11 2345 6789", None, "+5491123456789"),
        ("0 15 11 96123-4567", "BR", "+5511961234567"),
        ("01 55 1234 5678", "MX", None),
        ("55 1234 5678", "MX", "+525512345678"),
        ("8 (912) 345-67-89", "RU", "+79123456789"),
        ("+7 701 234 5678", None, "+77012345678"),
        ("+800 1234 5678", None, "+80012345678"),
        ("+870 773 111 632", "US", "+870773111632"),
        ("".join(chr(0xFF10 + int(digit)) for digit in "2567346043"), "US", "+12567346043"),
        ("256-734-6043 x1234567890", "US", None),
        (";phone-context=+1 256 734 6043", None, None),
        ("\x1c2567346043.0", "US", "+12567346043"),
        ("256-734-6043 or 256-734-6044", "US", None),
        ("+999 256 734 6043", "US", None),
        ("(" * 250 + "256-734-6043", "US", None),
    ],
)
def test_a_number_is_read_however_it_is_written(written, region, phone):
    assert read_phones(pl.Series([written]), region)["phone"].to_list() == [phone]
    assert _library(written, region) == phone


@pytest.mark.parametrize(
    ("written", "region", "reason"),
    [
        (None, "US", "no phone"),
        ("  ", "US", "no phone"),
        ("555-0199", "US", '"555-0199" is not a valid phone number for US'),
        ("12345.0", "US", '"12345" is not a valid phone number for US'),
        ("2567346043", None, '"2567346043" has no country code; give a region such as US'),
        ("734-6043 x5", None, '"734-6043 x5" has no country code; give a region such as US'),
        ("n/a", None, '"n/a" is not a valid phone number'),
        ("+1 256", None, '"+1 256" is not a valid phone number'),
        ("+44 20", "US", '"+44 20" is not a valid phone number'),
        ("x" * 50, "US", f'"{"x" * 40}…" is not a valid phone number for US'),
    ],
)
def test_a_number_that_cannot_be_read_says_why(written, region, reason):
    found = read_phones(pl.Series([written], dtype=pl.String), region)
    assert found.rows() == [(None, reason)]


@pytest.mark.parametrize("region", ["USA", "us", "UK", "001", ""])
def test_an_unknown_region_is_refused(region):
    with pytest.raises(ValueError, match=f"'{region}' is no region; use a two-letter country code"):
        read_phones(pl.Series(["1"]), region)


def test_rows_stay_in_order_with_repeats_and_gaps():
    written = ["+44 20 7946 0958", None, "1-800-FLOWERS", "256-734-6043", "", "1-800-FLOWERS", "+1 256"]
    found = read_phones(pl.Series(written), "US")
    assert found.schema == {"phone": pl.String(), "reason": pl.String()}
    assert found["phone"].to_list() == [_library(text, "US") for text in written]
    assert found["phone"][2] == found["phone"][5] == "+18003569377"


@pytest.mark.parametrize("written", [[], [None, None], [""]])
def test_a_column_without_numbers_has_a_reason_in_every_row(written):
    found = read_phones(pl.Series(written, dtype=pl.String), "US")
    assert found.rows() == [(None, "no phone")] * len(written)


@pytest.mark.parametrize(
    ("form", "region"),
    [
        ("({}) 734-{:04}", "US"),
        ("{}.734.{:04}", "US"),
        ("{}734{:04}.0", "US"),
        ("1-{}-734-{:04}", "US"),
        ("1{}734{:04}", "US"),
        ("+1 {} 734 {:04}", None),
        ("tel:+1-{}-734-{:04}", None),
        ("011 1 {} 734 {:04}", "US"),
        ("{}-734-{:04} x23", "US"),
        ("{}-734-{:04}, Ext. 23", "US"),
        ("001 {} 734 {:04}", "GB"),
    ],
)
def test_ordinary_numbers_need_no_library(form, region):
    written = [form.format(area, line) for area in (256, 212, 415) for line in range(1000)]
    assert _left_to_the_library(written, region) == []
    assert read_phones(pl.Series(written), region)["phone"].null_count() == 0


def test_only_unusual_texts_are_left_to_the_library():
    usual, unusual = (
        ["030/123456", "0049 30 123456"],
        ["1-800-FLOWERS", "256-734-6043 x302/x303", "030 1٢3456"],
    )
    assert sorted(_left_to_the_library(usual + unusual, "DE")) == sorted(unusual)


def test_examples_of_every_region_are_read_at_home_without_the_library():
    for region in REGIONS:
        texts = [text for number in _example_numbers(region) for text in _spellings(number)]
        simple = [text for text in texts if not re.search("[A-Za-z#*~]", text.removeprefix("tel:"))]
        assert _left_to_the_library(simple, region) == []
        _assert_read_like_the_library(texts, region)


def test_examples_of_every_calling_code_are_read_without_a_region():
    anywhere = [number for region in REGIONS for number in _example_numbers(region)]
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        anywhere.append(phonenumbers.example_number_for_non_geo_entity(code))
    _assert_read_like_the_library([text for number in anywhere for text in _spellings(number)], None)


def test_a_country_whose_pattern_rust_does_not_know_is_left_to_the_library(monkeypatch):
    general = PhoneMetadata.metadata_for_region("NZ").general_desc
    monkeypatch.setattr(general, "_mutable", True)
    monkeypatch.setattr(general, "national_number_pattern", f"(?=[1-9])(?:{general.national_number_pattern})")
    for remembered in (phones._plan, phones._known_to_rust):
        remembered.cache_clear()
    try:
        assert _left_to_the_library(["03 345 6789"], "NZ") == ["03 345 6789"]
        _assert_read_like_the_library(["03 345 6789", "+64 3 345 6789", "3"], "NZ")
        _assert_read_like_the_library(["03 345 6789", "+64 3 345 6789", "011 64 3 345 6789"], "US")
    finally:
        for remembered in (phones._plan, phones._known_to_rust):
            remembered.cache_clear()


def test_no_local_number_is_as_long_as_a_full_one():
    """The columns rest on it: a length is possible, too short, too long or in between, whatever is local."""
    for region in REGIONS:
        general = PhoneMetadata.metadata_for_region(region).general_desc
        assert not set(general.possible_length) & set(general.possible_length_local_only)
        assert max(general.possible_length_local_only, default=0) < max(general.possible_length)


@st.composite
def _written_numbers(draw):
    """Draw a region and numbers of it and of others, in many spellings, some of them damaged."""
    region = draw(st.sampled_from(REGIONS))
    neighbours = phonenumbers.region_codes_for_country_code(phonenumbers.country_code_for_region(region))
    homes = st.sampled_from([region, region, *neighbours, draw(st.sampled_from(REGIONS))])
    edits = st.tuples(st.integers(0, 20), st.integers(0, 1), st.sampled_from(["", *PHONE_CHARACTERS]))
    texts = []
    for _ in range(draw(st.integers(1, 20))):
        text = draw(st.sampled_from(_spellings(draw(st.sampled_from(_example_numbers(draw(homes)))))))
        for place, cut, added in draw(st.lists(edits, max_size=2)):
            text = text[:place] + added + text[place + cut :]
        before, after = draw(st.tuples(st.sampled_from(PREFIXES), st.sampled_from(SUFFIXES)))
        texts.append(before + text + after if draw(st.booleans()) else text)
    return draw(st.sampled_from([region, region, None])), texts


@seed(SEED)
@settings(max_examples=200)
@given(_written_numbers())
def test_columns_are_read_like_the_library_reads_one_number(drawn):
    region, texts = drawn
    _assert_read_like_the_library(texts, region)


@seed(SEED)
@settings(max_examples=150)
@given(
    st.lists(st.none() | st.text(max_size=30) | st.text(PHONE_CHARACTERS, max_size=20), max_size=40),
    st.sampled_from([None, "US", *REGIONS]),
)
def test_any_text_is_read_or_refused(texts, region):
    _assert_read_like_the_library(texts, region)
