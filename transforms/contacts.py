"""Contacts: from the columns of a file, whatever their headers, to usable contacts and set-aside rows."""

import re
from collections.abc import Mapping

import polars as pl

from transforms.phones import read_phones
from transforms.schemas import CONTACTS, REJECTS

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "contact_id": ("contactid", "id", "customerid", "externalid", "contactnumber", "contactno"),
    "phone": (
        "phone",
        "phonenumber",
        "telephone",
        "telephonenumber",
        "telephoneno",
        "tel",
        "mobile",
        "mobilenumber",
        "mobilephone",
        "cell",
        "cellphone",
        "cellnumber",
        "msisdn",
        "phoneno",
    ),
    "first_name": ("firstname", "first", "givenname", "forename"),
    "last_name": ("lastname", "last", "surname", "familyname"),
    "email": ("email", "emailaddress", "mail"),
    "timezone": ("timezone", "tz", "ianatimezone"),
    "region": ("region", "state", "province", "stateprovince"),
    "postal_code": ("postalcode", "postcode", "zip", "zipcode", "plz"),
}
"""The headers each field is known by, without case, spaces and punctuation; the first is its own name."""

LINE = "line"
"""The column that says on which line of its file a row starts, 1-based."""

MOST_VARIABLES_BYTES = 65_536
"""How long the other columns of a row may be as JSON: each call sends them, and a claim has thousands."""

MOST_ID_BYTES = 400
"""How long a ``contact_id`` may be: a file's name and a line fit, and every note and plan has it."""

_NO_PHONE = "no phone"


class HeaderError(ValueError):
    """Headers that do not say which column is which; ``problems`` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def match_headers(headers: list[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the header of each field that the file has.

    ``chosen`` says for some fields which header it is. Of several headers that mean one field, the field's
    own name wins.

    Raises:
        HeaderError: an unknown field or header is chosen, several headers mean one field, or none is the
            phone.
    """
    problems = [
        f"{field}: is no field of a contact; use one of {', '.join(SYNONYMS)}"
        for field in chosen
        if field not in SYNONYMS
    ]
    problems += [
        f"{field}: the file has no column {header!r}; it has {', '.join(headers)}"
        for field, header in chosen.items()
        if header not in headers
    ]
    matched = dict(chosen)
    for field, names in SYNONYMS.items():
        meant = [h for h in headers if _bare(h) in names and h not in chosen.values()]
        own = [h for h in meant if _bare(h) == names[0]]
        if field in matched or not meant:
            continue
        if len(meant) == 1 or len(own) == 1:
            matched[field] = (own or meant)[0]
        else:
            problems.append(
                f'{field}: could be {" or ".join(meant)}; say which with --map {field}="{meant[0]}"'
            )
    if not problems and "phone" not in matched:
        problems.append(
            f'phone: no column looks like one among {", ".join(headers)}; say which with --map phone="…"'
        )
    if problems:
        raise HeaderError(problems)
    return matched


def _bare(header: str) -> str:
    return re.sub(r"[\W_]+", "", header).lower()


def read_contacts(
    rows: pl.DataFrame, matched: Mapping[str, str], file_label: str, region: str | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the usable contacts (``CONTACTS``) and the rows set aside (``REJECTS``), both in file order.

    Takes the rows of a file as text, with ``LINE``. A contact without an id is called
    ``file_label:line``. Columns that are no field of a contact become ``variables``. Of several rows with
    one ``contact_id``, or with one phone, the first stays.
    """
    fields = _as_fields(rows, matched, file_label)
    phones = read_phones(fields["phone"], region)
    phone_wrong = pl.lit(phones["reason"])
    judged = fields.with_columns(phone_written="phone").with_columns(
        phone=phones["phone"],
        reason=pl.coalesce(phone_wrong, _too_much()),
        kind=pl.when(phone_wrong == _NO_PHONE)
        .then(pl.lit(_NO_PHONE))
        .when(phone_wrong.is_not_null())
        .then(pl.lit("invalid phone"))
        .otherwise(pl.lit("too much data")),
    )
    usable = pl.col("reason").is_null()
    contacts, repeated = without_repeats(judged.filter(usable))
    rejects = pl.concat([judged.filter(~usable), repeated]).sort(LINE)
    return _cast(contacts, CONTACTS), _cast(rejects, REJECTS)


def _too_much() -> pl.Expr:
    """Return what is wrong with a ``contact_id`` or ``variables`` that are too long, null for the others."""
    id_length, length = pl.col("contact_id").str.len_bytes(), pl.col("variables").str.len_bytes()
    long_id = pl.format("its contact_id is {} bytes; {} may be", id_length, MOST_ID_BYTES)
    long_data = pl.format("its other columns are {} bytes of JSON; {} may be", length, MOST_VARIABLES_BYTES)
    return (
        pl.when(id_length > MOST_ID_BYTES).then(long_id).when(length > MOST_VARIABLES_BYTES).then(long_data)
    )


def without_repeats(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split ``rows`` into those that stay and those whose ``contact_id`` or ``phone`` has gone before.

    Only a row that stays takes its id and its phone, so every ``reason`` names the line of a contact. Each
    round keeps the rows that nothing precedes and sets aside what they repeat; one round is usual, more
    are needed only where a row repeats one that is itself set aside. Both results are in ``line`` order.
    """
    waiting = rows
    kept: list[pl.DataFrame] = []
    repeated: list[pl.DataFrame] = []
    while not waiting.is_empty() or not kept:
        marked = waiting.with_columns(
            first=pl.col("contact_id").is_first_distinct() & pl.col("phone").is_first_distinct()
        )
        stays = marked.filter("first").drop("first")
        later = _compared(marked.filter(~pl.col("first")).drop("first"), stays)
        kept.append(stays)
        repeated.append(later.filter(pl.col("reason").is_not_null()))
        waiting = later.filter(pl.col("reason").is_null())
    contacts = kept[0] if len(kept) == 1 else pl.concat(kept).sort("line")
    return contacts, pl.concat(repeated).sort("line")


def _compared(later: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Give ``later`` rows ``kind`` and ``reason``, null where they repeat none of those that stay."""
    same_id, same_phone = pl.col("same_id"), pl.col("same_phone")
    return (
        later.join(stays.select("contact_id", same_id="line"), on="contact_id", how="left")
        .join(stays.select("phone", same_phone="line"), on="phone", how="left")
        .with_columns(
            kind=pl.when(same_id.is_not_null())
            .then(pl.lit("duplicate contact_id"))
            .when(same_phone.is_not_null())
            .then(pl.lit("duplicate phone")),
            reason=pl.coalesce(
                pl.concat_str(pl.lit("contact_id "), "contact_id", pl.lit(" seen before, in line "), same_id),
                pl.concat_str(pl.lit("phone "), "phone", pl.lit(" seen before, in line "), same_phone),
            ),
        )
        .sort("line")
        .select(later.columns)
    )


def _as_fields(rows: pl.DataFrame, matched: Mapping[str, str], file_label: str) -> pl.DataFrame:
    """Rename the matched columns, trim all text, and gather the other columns as JSON."""
    texts = [name for name in rows.columns if name != LINE]
    trimmed = rows.with_columns(pl.col(texts).str.strip_chars().replace("", None))
    others = trimmed.select(sorted(name for name in texts if name not in matched.values()))
    found = {
        field: pl.col(matched[field]) if field in matched else pl.lit(None, pl.String) for field in SYNONYMS
    }
    by_line = pl.concat_str(pl.lit(file_label), LINE, separator=":")
    return trimmed.select(
        contact_id=pl.coalesce(found.pop("contact_id"), by_line),
        **found,
        variables=_as_object(others),
        source_file=pl.lit(file_label),
        line=LINE,
    )


def _as_object(columns: pl.DataFrame) -> pl.Expr:
    """Return a JSON object of the columns that have a value, ``{}`` for none.

    The keys stand in the order of ``columns``, so the same values give the same text.
    """
    if not columns.width:
        return pl.lit("{}")
    if not any(column.null_count() for column in columns):
        return pl.struct(columns.columns).struct.json_encode()
    members = (
        pl.when(pl.col(name).is_not_null()).then(
            pl.struct(name).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        )
        for name in columns.columns
    )
    return pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}"))


def unreadable(rows: pl.DataFrame, file_label: str) -> pl.DataFrame:
    """Return rows that could not be read at all (``line``, ``reason``) as ``REJECTS``."""
    return _cast(
        rows.with_columns(
            source_file=pl.lit(file_label),
            contact_id=pl.lit(None, pl.String),
            phone_written=pl.lit(None, pl.String),
            kind=pl.lit("unreadable"),
        ),
        REJECTS,
    )


def _cast(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
