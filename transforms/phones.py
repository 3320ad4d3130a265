"""Phone numbers in any written form, read into E.164 a column at a time.

The ``phonenumbers`` library is right and slow, some 30,000 numbers a second. Its metadata says per country
what a number looks like, so ordinary numbers are judged by those patterns as column expressions, and the
library itself reads only the rest: extensions, letters, trunk and international prefixes, other digits.
What the patterns accept or refuse is what ``phonenumbers.is_valid_number`` would say.
"""

from functools import cache

import phonenumbers
import polars as pl
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

_ORDINARY = r"^[ \-.()/]*\+?[0-9 \-.()/]+$"
_PUNCTUATION = r"[ \-.()/]"
_FLOAT_EXPORT = r"^(\d+)\.0$"
_NON_GEOGRAPHIC = "001"
_SHOWN_CHARACTERS = 40
_TYPES = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)


def read_phones(written: pl.Series, region: str | None) -> pl.DataFrame:
    """Return the E.164 number of each written one, or why there is none.

    ``region`` (two letters, such as US) is the country of numbers without a country code. Grain and order:
    one row per element of ``written``, in its order, with ``phone`` and ``reason``, one of them null.

    Raises:
        ValueError: there is no such region.
    """
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{region!r} is no region; use a two-letter country code such as US")
    rows = prepared(written)
    split = by_country(rows.drop_nulls("text"), region)
    judged = [
        valid_numbers(numbers, int(code))
        for (code,), numbers in split.filter(pl.col("code") != 0).group_by("code", maintain_order=True)
    ]
    open_questions = _read_by_library(split.filter(pl.col("code") == 0).select("row", "text"), region)
    read = pl.concat([*judged, open_questions]).sort("row")
    return rows.join(read, on="row", how="left", maintain_order="left").select(
        "phone", reason=pl.when(pl.col("phone").is_null()).then(_reason(region))
    )


def prepared(written: pl.Series) -> pl.DataFrame:
    """Return ``row``, ``text`` (trimmed, null when blank, no ``.0`` of a float) and its ``digits``.

    ``digits``, with the leading ``+`` if any, is null where the text is not ordinary.
    """
    text = pl.col("text").str.strip_chars()
    return (
        pl.LazyFrame({"text": written.cast(pl.String)})
        .with_row_index("row")
        .with_columns(text=pl.when(text != "").then(text.str.replace(_FLOAT_EXPORT, "$1")))
        .with_columns(
            digits=pl.when(pl.col("text").str.contains(_ORDINARY)).then(
                pl.col("text").str.replace_all(_PUNCTUATION, "")
            )
        )
        .collect()
    )


def _reason(region: str | None) -> pl.Expr:
    long = pl.col("text").str.len_chars() > _SHOWN_CHARACTERS
    shown = pl.when(long).then(pl.col("text").str.head(_SHOWN_CHARACTERS) + "…").otherwise(pl.col("text"))
    if region is not None:
        invalid = pl.format('"{}" is not a valid phone number for {}', shown, pl.lit(region))
    else:
        invalid = (
            pl.when(pl.col("text").str.contains("+", literal=True))
            .then(pl.format('"{}" is not a valid phone number', shown))
            .otherwise(pl.format('"{}" has no country code; give a region such as US', shown))
        )
    return pl.when(pl.col("text").is_null()).then(pl.lit("no phone")).otherwise(invalid)


def _read_by_library(rows: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Read what the patterns leave open, one distinct text by one: few, of any shape."""
    distinct = rows["text"].unique()
    read = pl.DataFrame(
        {"text": distinct, "phone": [_parsed(text, region) for text in distinct]},
        schema={"text": pl.String(), "phone": pl.String()},
    )
    return rows.join(read, on="text", how="left").select("row", "phone")


def _parsed(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def by_country(texts: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Split ``digits`` into the country's calling ``code`` and the ``national`` number.

    ``code`` is 0 where only the library can tell.
    """
    international = pl.col("digits").str.starts_with("+")
    parts = (
        texts.lazy()
        .with_columns(
            code=pl.when(international).then(_calling_code()).otherwise(0),
            national=pl.when(international).then(pl.col("digits").str.slice(1)),
        )
        .with_columns(national=pl.col("national").str.slice(pl.col("code").cast(pl.String).str.len_chars()))
    )
    if region is not None:
        own = _national_number(pl.col("digits"), region)
        has_own = international.not_() & own.is_not_null()
        parts = parts.with_columns(
            national=pl.when(has_own).then(own).otherwise("national"),
            code=pl.when(has_own).then(phonenumbers.country_code_for_region(region)).otherwise("code"),
        )
    split = parts.with_columns(pl.col("code").fill_null(0)).collect()
    for code in split["code"].unique():
        if code:
            trunk = _starts_with_prefix(pl.col("national"), _metadata(code, _regions(code)[0]))
            split = split.with_columns(
                code=pl.when((pl.col("code") == code) & trunk).then(0).otherwise("code")
            )
    return split


def _calling_code() -> pl.Expr:
    """Return the calling code after the ``+``, the only one that is a prefix, or null."""
    by_text = {str(code): code for code in sorted(COUNTRY_CODE_TO_REGION_CODE)}
    return pl.coalesce(
        pl.col("digits").str.slice(1, length).replace_strict(by_text, default=None, return_dtype=pl.Int64)
        for length in (1, 2, 3)
    )


def _national_number(digits: pl.Expr, region: str) -> pl.Expr:
    """Return the national number of ``digits`` written without ``+``; null where it is ambiguous.

    The national prefix, or the country's own calling code without its ``+``, is taken off where the number
    is one of the country only without it.
    """
    code = str(phonenumbers.country_code_for_region(region))
    metadata = _metadata(int(code), region)
    as_written, after_code = _fits(digits, metadata), digits.str.slice(len(code))
    prefixed, after_prefix = _starts_with_prefix(digits, metadata), _without_prefix(digits, metadata)
    abroad = digits.str.contains(f"^(?:{metadata.international_prefix or '$.'})")
    has_code = digits.str.starts_with(code)
    return (
        pl.when(abroad)
        .then(None)
        .when(has_code & ~as_written & _fits(after_code, metadata))
        .then(pl.when(~_starts_with_prefix(after_code, metadata)).then(after_code))
        .when(has_code & ~as_written)
        .then(None)
        .when(prefixed & ~as_written & _fits(after_prefix, metadata))
        .then(after_prefix)
        .when(prefixed)
        .then(None)
        .otherwise(digits)
    )


def _fits(number: pl.Expr, metadata: PhoneMetadata) -> pl.Expr:
    return _matches(number, metadata.general_desc)


def _starts_with_prefix(number: pl.Expr, metadata: PhoneMetadata) -> pl.Expr:
    prefix = metadata.national_prefix_for_parsing
    if prefix is None:
        return pl.lit(False)
    return number.str.extract(f"^(?:{prefix})", 0).str.len_chars().fill_null(0) > 0


def _without_prefix(number: pl.Expr, metadata: PhoneMetadata) -> pl.Expr:
    """Take a plain national prefix off; null where taking it off may change the rest of the number."""
    prefix = metadata.national_prefix_for_parsing
    if prefix is None or "(" in prefix.replace("(?:", ""):
        return pl.lit(None, pl.String)
    return number.str.replace(f"^(?:{prefix})", "")


def valid_numbers(numbers: pl.DataFrame, code: int) -> pl.DataFrame:
    """Return ``row`` and ``phone``, null where ``national`` is no valid number of a region of ``code``.

    Regions are asked in the library's order. One that is told by its leading digits decides alone.
    """
    undecided, decided = numbers.select("row", "national"), []
    phone = pl.format("+{}{}", pl.lit(code), "national")
    for region in _regions(code):
        metadata = _metadata(code, region)
        known_type = _has_type(pl.col("national"), metadata)
        if metadata.leading_digits and len(_regions(code)) > 1:
            belongs = pl.col("national").str.contains(f"^(?:{metadata.leading_digits})")
        else:
            belongs = known_type
        judged = undecided.with_columns(belongs=belongs)
        decided.append(
            judged.filter("belongs").select("row", phone=pl.when(known_type).then(phone).cast(pl.String))
        )
        undecided = judged.filter(~pl.col("belongs")).drop("belongs")
        if undecided.is_empty():
            break
    return pl.concat([*decided, undecided.select("row", phone=pl.lit(None, pl.String))])


def _has_type(number: pl.Expr, metadata: PhoneMetadata) -> pl.Expr:
    by_lengths: dict[tuple[int, ...], set[str]] = {}
    for name in _TYPES:
        description = getattr(metadata, name)
        if description is not None and description.national_number_pattern:
            by_lengths.setdefault(tuple(description.possible_length), set()).add(
                description.national_number_pattern
            )
    if not by_lengths:
        return pl.lit(False)
    of_some_type = pl.any_horizontal(
        _has_shape(number, "|".join(sorted(patterns)), lengths) for lengths, patterns in by_lengths.items()
    )
    return _matches(number, metadata.general_desc) & of_some_type


def _matches(number: pl.Expr, description: PhoneNumberDesc | None) -> pl.Expr:
    if description is None or description.national_number_pattern is None:
        return pl.lit(False)
    return _has_shape(number, description.national_number_pattern, tuple(description.possible_length))


def _has_shape(number: pl.Expr, pattern: str, lengths: tuple[int, ...]) -> pl.Expr:
    shape = number.str.contains(f"^(?:{pattern})$")
    return shape & number.str.len_bytes().is_in(lengths) if lengths else shape


def _regions(code: int) -> tuple[str, ...]:
    return tuple(COUNTRY_CODE_TO_REGION_CODE[code])


@cache
def _metadata(code: int, region: str) -> PhoneMetadata:
    found = (
        PhoneMetadata.metadata_for_nongeo_region(code)
        if region == _NON_GEOGRAPHIC
        else PhoneMetadata.metadata_for_region(region)
    )
    if found is None:  # the library lists a region only with its metadata
        raise ValueError(f"no metadata for region {region}")
    return found
