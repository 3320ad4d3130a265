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
    judged = fields.with_columns(phone_written="phone").with_columns(
        phone=phones["phone"],
        reason=phones["reason"],
        kind=pl.when(pl.lit(phones["reason"]) == _NO_PHONE)
        .then(pl.lit(_NO_PHONE))
        .otherwise(pl.lit("invalid phone")),
    )
    usable, aside = judged.filter(pl.col("reason").is_null()), [judged.filter(pl.col("reason").is_not_null())]
    for key in ("contact_id", "phone"):
        seen = usable.with_columns(
            first=pl.col(key).is_first_distinct(), first_line=pl.col(LINE).first().over(key)
        )
        aside.append(
            seen.filter(~pl.col("first")).with_columns(
                kind=pl.lit(f"duplicate {key}"),
                reason=pl.format(f"{key} {{}} seen before, in line {{}}", key, "first_line"),
            )
        )
        usable = seen.filter("first").drop("first", "first_line")
    rejects = pl.concat([frame.select(REJECTS.names()) for frame in aside]).sort(LINE)
    return _cast(usable, CONTACTS), _cast(rejects, REJECTS)


def _as_fields(rows: pl.DataFrame, matched: Mapping[str, str], file_label: str) -> pl.DataFrame:
    """Rename the matched columns, trim all text, and gather the other columns as JSON."""
    texts = [name for name in rows.columns if name != LINE]
    others = [name for name in texts if name not in matched.values()]
    trimmed = pl.col(texts).str.strip_chars()
    return (
        rows.lazy()
        .with_columns(pl.when(trimmed != "").then(trimmed).name.keep())
        .select(
            *(
                (pl.col(matched[field]) if field in matched else pl.lit(None, pl.String)).alias(field)
                for field in SYNONYMS
            ),
            variables=pl.struct(others).struct.json_encode() if others else pl.lit("{}"),
            source_file=pl.lit(file_label),
            line=pl.col(LINE),
        )
        .with_columns(contact_id=pl.coalesce("contact_id", pl.format("{}:{}", pl.lit(file_label), LINE)))
        .collect()
    )


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
