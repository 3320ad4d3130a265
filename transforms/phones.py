"""Phone numbers in any written form, read into E.164 a column at a time.

The ``phonenumbers`` library is right and slow, some 30,000 numbers a second. What it knows of a country are
patterns, so simply written numbers take the steps of its ``parse`` and ``is_valid_number`` with those
patterns as column expressions, and the library itself reads only the others: letters, digits of other
scripts, two numbers in one field. Either way the answer is the library's.
"""

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers
import polars as pl
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc, PhoneNumberType

LIBRARY = 0
"""Stands for the calling code of a number that only the library can read."""

_PUNCTUATION = r" \-.()/\[\]\x{A0}\x{AD}\x{200B}\x{2060}\x{2010}-\x{2015}\x{2212}"
_BEFORE = r"^[ -~&&[^0-9+;]]*"  # "tel:" and the like; a ";" may start parameters
_SIMPLE = rf"{_BEFORE}\+?[0-9{_PUNCTUATION}]+$"
_EXTENSION = r"[ ,]*(?:[Ee][Xx][Tt]|[Xx])[.:]? *[0-9]{1,7}$"
_WITH_EXTENSION = rf"{_BEFORE}\+?(?:[{_PUNCTUATION}]*[0-9]){{3,}}[{_PUNCTUATION}]*{_EXTENSION}"
_LONGEST_SIMPLE_BYTES = 250  # the library refuses more
_FLOAT_EXPORT = r"^(\d+)\.0$"
_WHITESPACE = "".join(character for character in map(chr, range(0x3001)) if character.isspace())
_UNKNOWN_TO_RUST = re.compile(r"\(\?[^:]|\\[1-9]")  # look-around and back-references
_SHOWN_CHARACTERS = 40
_TYPES = [PhoneNumberType.to_string(number_type).lower() for number_type in PhoneNumberType.values()]


def read_phones(written: pl.Series, region: str | None) -> pl.DataFrame:
    """Return the E.164 number of each written one, or why there is none.

    ``region`` (two letters, such as US) is the country of numbers without a country code. Grain and order:
    one row per element of ``written``, in its order, with ``phone`` and ``reason``, one of them null.
    Source: ``phonenumbers.phonenumberutil``, whose answer it gives for every text.

    Raises:
        ValueError: there is no such region.
    """
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{region!r} is no region; use a two-letter country code in capitals, such as US")
    rows = prepared(written)
    found = [pl.LazyFrame(schema={"row": rows.schema["row"], "phone": pl.String()})]
    for (code,), numbers in by_country(rows, region).partition_by("code", as_dict=True).items():
        if code == LIBRARY or (code is not None and not _known_to_rust(code)):
            found.append(_read_by_library(numbers, region))
        elif code is not None:
            found += _valid_numbers(numbers, code)
    phones = pl.concat(pl.collect_all(found))
    read = rows.join(phones, on="row", how="left", maintain_order="left")
    return read.select("phone", reason=_reason(region))


def prepared(written: pl.Series) -> pl.DataFrame:
    """Return ``row``, from 0, and ``text``: trimmed, null when blank, without the ``.0`` of a float."""
    text = pl.col("text").str.strip_chars(_WHITESPACE)
    return (
        pl.LazyFrame({"text": written.cast(pl.String)})
        .with_row_index("row")
        .with_columns(text=pl.when(text != "").then(text.str.replace(_FLOAT_EXPORT, "$1")))
        .collect()
    )


def by_country(rows: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Add the calling ``code`` of each ``text``: null where no country has it, or ``LIBRARY``.

    A number with ``+`` or an international prefix has its digits, code first, in ``abroad``; any other has
    its national number in ``home``. Grain and order: one row per row whose ``text`` is not null.
    """
    texts, nothing = rows.lazy().drop_nulls("text"), pl.lit(None, pl.String)
    own = None if region is None else _plan(phonenumbers.country_code_for_region(region), region)
    if own and not _known_to_rust(own.code):
        return texts.select("row", "text", abroad=nothing, home=nothing, code=LIBRARY).collect()
    core, plus, digits, dialled = (pl.col(name) for name in ("core", "plus", "digits", "dialled"))
    # After a plus and no country's code the library looks for an international prefix: "+0044 20 ...".
    abroad = pl.when(plus & _calling_code(digits).is_not_null()).then(digits).otherwise(dialled)
    home = pl.when(~plus & dialled.is_null()).then(digits)
    numbers = (
        texts.with_columns(core=_core(pl.col("text")))
        .with_columns(plus=core.str.contains("+", literal=True), digits=core.str.replace_all("[^0-9]+", ""))
        .with_columns(dialled=_after_international_prefix(digits, own) if own else nothing)
        .with_columns(abroad=abroad, home=home if own else nothing)
        .with_columns(code=_calling_code(pl.col("abroad")))
    )
    if own:
        at_home = pl.col("home").is_not_null()
        numbers = numbers.with_columns(code=pl.when(at_home).then(own.code).otherwise("code"))
        numbers = numbers.pipe(_with_home_numbers, own)
    code = pl.when(core.is_null()).then(LIBRARY).otherwise("code")
    return numbers.select("row", "text", "abroad", "home", code=code).collect()


def _reason(region: str | None) -> pl.Expr:
    unread = pl.when(pl.col("phone").is_null()).then("text")
    long = unread.str.len_chars() > _SHOWN_CHARACTERS
    quoted = pl.lit('"') + pl.when(long).then(unread.str.head(_SHOWN_CHARACTERS) + "…").otherwise(unread)
    invalid = quoted + pl.lit('" is not a valid phone number')
    if region is None:
        national = quoted + pl.lit('" has no country code; give a region such as US')
        national = pl.when(unread.str.contains(r"\d")).then(national).otherwise(invalid)
    else:
        national = invalid + pl.lit(f" for {region}")
    return (
        pl.when(pl.col("phone").is_null() & pl.col("text").is_null())
        .then(pl.lit("no phone"))
        .when(unread.str.contains(r"[+\x{FF0B}]"))
        .then(invalid)
        .otherwise(national)
    )


def _read_by_library(rows: pl.DataFrame, region: str | None) -> pl.LazyFrame:
    """Read each distinct ``text`` on its own: what no column expression reads is rare and takes any shape."""
    distinct = rows["text"].unique()
    phones = [_parsed(text, region) for text in distinct]
    read = pl.LazyFrame({"text": distinct, "phone": pl.Series(phones, dtype=pl.String)})
    return rows.lazy().join(read, on="text").select("row", "phone")


def _parsed(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _core(text: pl.Expr) -> pl.Expr:
    """Return a simple number without its extension; null where only the library can tell."""
    short = pl.when(text.str.len_bytes() <= _LONGEST_SIMPLE_BYTES).then(text)
    simple = short.str.contains(_SIMPLE)
    other = pl.when(~simple).then(short)
    extended = pl.when(other.str.contains(_WITH_EXTENSION)).then(other.str.replace(_EXTENSION, ""))
    return pl.when(simple).then(short).otherwise(extended)


def _calling_code(digits: pl.Expr) -> pl.Expr:
    """Return the calling code that ``digits`` start with, or null; no code is the start of another."""
    return pl.lit(_codes_by_three_digits()).gather(digits.str.head(3).cast(pl.UInt16, strict=False))


@cache
def _codes_by_three_digits() -> pl.Series:
    codes = {str(code): code for code in COUNTRY_CODE_TO_REGION_CODE}
    starts = (f"{number:03}" for number in range(1000))
    found = [next((codes[start[:n]] for n in (1, 2, 3) if start[:n] in codes), None) for start in starts]
    return pl.Series(found, dtype=pl.Int32)


@dataclass(frozen=True)
class _Plan:
    """The numbering plan of a region; a pattern it does not have is empty."""

    code: int
    national: str
    lengths: tuple[int, ...]
    types: tuple[tuple[str, tuple[int, ...]], ...]
    leading_digits: str
    international_prefix: str
    national_prefix: str
    prefix_groups: int
    prefix_becomes: str


@cache
def _plan(code: int, region: str) -> _Plan:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if metadata is None or metadata.general_desc is None:
        raise ValueError(f"the library has no numbering plan for {region}")
    general, prefix = metadata.general_desc, metadata.national_prefix_for_parsing
    types: dict[tuple[int, ...], set[str]] = {}
    for name in _TYPES:
        kind: PhoneNumberDesc | None = getattr(metadata, name, None)
        if kind is not None and kind.national_number_pattern:
            types.setdefault(tuple(kind.possible_length), set()).add(kind.national_number_pattern)
    return _Plan(
        code=code,
        national=_ascii(general.national_number_pattern),
        lengths=tuple(general.possible_length),
        types=tuple((_ascii("|".join(sorted(patterns))), lengths) for lengths, patterns in types.items()),
        leading_digits=_ascii(metadata.leading_digits),
        international_prefix=_ascii(metadata.international_prefix),
        national_prefix=_ascii(prefix),
        prefix_groups=re.compile(prefix or "").groups,
        prefix_becomes=re.sub(r"\\(\d)", r"${\1}", metadata.national_prefix_transform_rule or ""),
    )


def _ascii(pattern: str | None) -> str:
    """Name the digits: a pattern for those of every script takes five times as long to compile."""
    return (pattern or "").replace(r"\d", "[0-9]")


def _plans(code: int) -> list[_Plan]:
    """Return the plans of all regions with a calling code, in the library's order, the main one first."""
    return [_plan(code, region) for region in COUNTRY_CODE_TO_REGION_CODE[code]]


@cache
def _known_to_rust(code: int) -> bool:
    return not any(_UNKNOWN_TO_RUST.search(str(plan)) for plan in _plans(code))


def _after_international_prefix(digits: pl.Expr, own: _Plan) -> pl.Expr:
    """Return what follows the prefix of calls abroad (011, 00); null where there is none.

    No calling code starts with 0, so before a 0 it is none.
    """
    pattern = f"^(?:{own.international_prefix or '[^0-9]'})"
    rest = pl.when(digits.str.contains(pattern)).then(digits).str.replace(pattern, "")
    return pl.when(~rest.str.starts_with("0")).then(rest)


def _with_home_numbers(rows: pl.LazyFrame, own: _Plan) -> pl.LazyFrame:
    """Make ``home``, as dialled within a country, a national number.

    The country's own code comes off where only that makes it fit the plan, or where it is too long.
    """
    code, home, rest = str(own.code), pl.col("home"), pl.col("without_prefix")
    has_code = (~_fits(home, own) & _fits(rest, own)) | _is_too_long(home, own)
    return (
        rows.with_columns(after_code=pl.when(home.str.starts_with(code)).then(home.str.slice(len(code))))
        .pipe(_with_prefix_removed, "after_code", own)
        .with_columns(after_code=pl.when(has_code & rest.is_not_null()).then(rest))
        .pipe(_with_national_numbers, "after_code", _plans(own.code)[0])
        .pipe(_with_national_numbers, "home", own)
        .with_columns(home=pl.coalesce("after_code", "home"))
    )


def _with_national_numbers(rows: pl.LazyFrame, name: str, plan: _Plan) -> pl.LazyFrame:
    """Take the national prefix off column ``name`` unless a number as short as what remains is none."""
    rest = pl.col("without_prefix")
    enough = rest.str.len_bytes().is_in(plan.lengths) | _is_too_long(rest, plan)
    kept = pl.when(enough).then(rest).otherwise(name)
    return rows.pipe(_with_prefix_removed, name, plan).with_columns(kept.alias(name))


def _with_prefix_removed(rows: pl.LazyFrame, name: str, plan: _Plan) -> pl.LazyFrame:
    """Add ``without_prefix``: ``name`` without its national prefix, or with what that stands for.

    Not where that would spoil a number that fits the plan.
    """
    number, prefixed, rest = pl.col(name), pl.col("prefixed"), pl.col("without_prefix")
    if not plan.national_prefix:
        return rows.with_columns(without_prefix=number)
    pattern = f"^(?:{plan.national_prefix})"
    rows = rows.with_columns(prefixed=pl.when(number.str.contains(pattern)).then(number))
    rows = rows.with_columns(without_prefix=prefixed.str.replace(pattern, ""))
    if plan.prefix_becomes:
        stands_for_more = prefixed.str.extract(pattern, plan.prefix_groups).is_not_null()
        written_out = prefixed.str.replace(pattern, plan.prefix_becomes)
        rows = rows.with_columns(without_prefix=pl.when(stands_for_more).then(written_out).otherwise(rest))
    better = ~_fits(prefixed, plan) | _fits(rest, plan)
    return rows.with_columns(without_prefix=pl.when(better).then(rest).otherwise(number))


def _is_too_long(number: pl.Expr, plan: _Plan) -> pl.Expr:
    return number.str.len_bytes() > max(plan.lengths)


def _fits(number: pl.Expr, plan: _Plan) -> pl.Expr:
    return number.str.contains(f"^(?:{plan.national})$")


def _valid_numbers(numbers: pl.DataFrame, code: int) -> list[pl.LazyFrame]:
    """Return ``row`` and ``phone`` of those that are numbers of a region of ``code``.

    Regions are asked in the library's order; one that is told by its leading digits decides alone.
    """
    plans = _plans(code)
    phone = pl.lit(f"+{code}") + pl.col("national")  # pl.format panics on some empty chunks (Polars 2.1)
    national = (
        numbers.lazy()
        .with_columns(national=pl.col("abroad").str.slice(len(str(code))))
        .pipe(_with_national_numbers, "national", plans[0])
        .select("row", national=pl.coalesce("home", "national"))
    )
    if len(plans) == 1:
        return [national.filter(_is_valid(plans[0])).select("row", phone=phone)]
    undecided, found = national.collect(), []
    for plan in plans:
        by_leading_digits = pl.col("national").str.contains(f"^(?:{plan.leading_digits})")
        belongs = undecided.select(by_leading_digits if plan.leading_digits else _is_valid(plan)).to_series()
        if belongs.any():
            of_region = undecided.filter(belongs).lazy()
            valid = of_region.filter(_is_valid(plan)) if plan.leading_digits else of_region
            found.append(valid.select("row", phone=phone))
            undecided = undecided.filter(~belongs)
    return found


def _is_valid(plan: _Plan) -> pl.Expr:
    number = pl.col("national")
    length = number.str.len_bytes()
    of_some_type = pl.any_horizontal(
        number.str.contains(f"^(?:{pattern})$") & (length.is_in(lengths) if lengths else True)
        for pattern, lengths in plan.types
    )
    return length.is_in(plan.lengths) & _fits(number, plan) & of_some_type
