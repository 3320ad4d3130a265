"""Options that several commands share, and how their texts become values."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.clock import SystemClock
from flows.errors import InputError
from flows.home import Home, find_home
from flows.ledger import Ledger
from transforms.wall_clock import YEARS

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, instants in UTC.")]
Region = Annotated[
    str | None, typer.Option("--region", help="Country of numbers without a country code, such as US.")
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help='Which header is which field, such as phone="Day Phone". May be repeated.'),
]
Now = Annotated[
    str | None,
    typer.Option("--now", help="The moment of planning, ISO 8601 with an offset."),
]
Named = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="A campaign's id, or its name if it is unique.")
]
MaybeNamed = Annotated[
    str | None, typer.Argument(metavar="[CAMPAIGN]", help="A campaign's id, or its name if unique.")
]
ContactsFile = Annotated[
    Path, typer.Option("--contacts", help="CSV, Parquet or JSON lines; nothing of it is stored.")
]


def headers_of(chosen: list[str] | None) -> dict[str, str]:
    """Return field and header of each ``field=header``.

    Raises:
        InputError: with every one that is not of that form, and every field that is given twice.
    """
    pairs = [(text, *text.partition("=")) for text in chosen or []]
    wrong = [text for text, field, sign, header in pairs if not (field and sign and header)]
    problems = [f'--map: {text!r} is not of the form phone="Day Phone"' for text in wrong]
    fields = Counter(field.strip() for _, field, *_ in pairs)
    problems += [
        f"--map: {field!r} is given {times} times; use one" for field, times in fields.items() if times > 1
    ]
    if problems:
        raise InputError(*problems)
    return {field.strip(): header.strip() for _, field, _, header in pairs}


def moment(text: str | None) -> datetime:
    """Return the instant of ``--now``, or the present.

    Raises:
        InputError: it is not ISO 8601 with an offset, or so far off that nothing can be reckoned from it.
    """
    if text is None:
        return SystemClock().now()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InputError(f"--now: {text!r} is not ISO 8601 with an offset, such as 2026-03-20T14:30:00Z")
    if instant.year not in YEARS:
        raise InputError(f"--now: use a year from {YEARS.start} to {YEARS.stop - 1} (found {text!r})")
    return instant.astimezone(UTC)


def open_ledger() -> tuple[Home, Ledger]:
    """Return the store and its ledger.

    Raises:
        InputError: there is no store, or nothing has been created in it.
    """
    home = find_home().require()
    return home, Ledger(home.ledger)
