"""The values of single settings: times of day, instants, zones, numbers and weekdays."""

import re
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from transforms.wall_clock import YEARS, zone_names


def _wall_time(value: object) -> object:
    """Read ``H:MM`` as ``HH:MM`` and refuse what is not a time of day."""
    text = str(value)
    if re.fullmatch(r"\d:[0-5]\d", text):
        text = f"0{text}"
    if not re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00", text):
        raise ValueError("use HH:MM between 00:00 and 24:00")
    return text


def _iso_instant(value: object) -> object:
    """Refuse bare numbers, which would be read as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value)):
        return value
    raise ValueError("use ISO 8601, such as 2026-03-20T14:30:00Z, or without an offset for local time")


def _within_years(value: datetime) -> datetime:
    """Refuse what is so far off that a plan could not be reckoned from it."""
    if value.year not in YEARS:
        raise ValueError(f"use a year from {YEARS.start} to {YEARS.stop - 1}")
    return value


def _zone_name(value: object) -> object:
    if value in zone_names():
        return value
    near = get_close_matches(str(value), zone_names(), n=1)
    hint = f"; did you mean {near[0]}?" if near else ", such as America/New_York"
    raise ValueError(f"use an IANA time zone name{hint}")


def _number(value: object) -> object:
    if not re.fullmatch(r"\+[1-9]\d{6,14}", str(value)):
        raise ValueError("use E.164, such as +18005550100")
    return value


def _weekday(value: object) -> int:
    if not re.fullmatch("[1-7]", str(value)):
        raise ValueError("use ISO weekdays, 1 (Monday) to 7 (Sunday)")
    return int(str(value))


WallTime = Annotated[str, BeforeValidator(_wall_time), Field(examples=["09:00"])]
ZoneName = Annotated[str, BeforeValidator(_zone_name)]
Moment = Annotated[datetime, BeforeValidator(_iso_instant), AfterValidator(_within_years)]
OutboundNumber = Annotated[str, BeforeValidator(_number)]
Weekday = Annotated[int, BeforeValidator(_weekday)]


def minute_of_day(wall_time: str) -> int:
    """Return the minutes after midnight of an ``HH:MM`` text; ``24:00`` is 1440."""
    hours, minutes = wall_time.split(":")
    return int(hours) * 60 + int(minutes)
