"""Campaign settings: one model that is the file, the form and the contract with the planner.

Field names follow Truedy's public batch-call API. Checks that need two fields sit on the later one, so
that all mistakes of a file are reported at once.
"""

import hashlib
import json
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Self
from unicodedata import category

import holidays as holiday_calendars
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from transforms.mistakes import InvalidSettingsError, sentences
from transforms.setting_values import Moment, OutboundNumber, WallTime, Weekday, ZoneName, minute_of_day
from transforms.wall_clock import closing_instant, opening_instant

MINUTES_PER_DAY = 24 * 60

MOST_CALLS = 1_000_000_000
"""A cap above this is none; so far the tables' numbers reach."""

LONGEST_WAIT_MINUTES = 366 * MINUTES_PER_DAY
"""A call is not tried again, nor asked about, after more than a year."""

MOST_CALLS_PER_SECOND = 1000
"""One dispatcher starts about as many."""


class Rotation(StrEnum):
    """How outbound numbers are spread over the calls."""

    RANDOM = "random"
    SEQUENTIAL = "sequential"
    ROUND_ROBIN = "round_robin"


class ScheduleType(StrEnum):
    """Whether the campaign starts when it is scheduled or at a given time."""

    IMMEDIATE = "immediate"
    SCHEDULED = "scheduled"


class ContactTimezone(StrEnum):
    """Whose clock the windows are read on."""

    CAMPAIGN = "campaign"
    CONTACT = "contact"
    PHONE = "phone"


class FirstDayCap(StrEnum):
    """How much of the daily cap the first, begun day has."""

    FULL = "full"
    PRORATED = "prorated"


class DialerName(StrEnum):
    """Who places the calls."""

    SIMULATED = "simulated"
    TRUEDY = "truedy"


class RetryableOutcome(StrEnum):
    """An outcome after which a further attempt may be made."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    VOICEMAIL = "voicemail"


def as_form(schema: dict[str, Any]) -> None:
    """Make an optional field of a model's JSON schema what it is when it is filled in.

    A form leaves such a field out; given the choice of nothing, it would ask for that first.
    """
    for field in schema.get("properties", {}).values():
        kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
        if len(kinds) == 1:
            del field["anyOf"]
            field.update(kinds[0])
        if field.get("default", "") is None:
            del field["default"]


def _left_empty(schema: dict[str, Any]) -> None:
    """Take a field's default out of its JSON schema: a form would send it although nobody filled it in.

    Among the changes of a campaign that would be one more change.
    """
    del schema["default"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, json_schema_extra=as_form)


class Window(_Settings):
    """A half-open stretch of the day, ``[start_time, end_time)``, in which calls may start."""

    days: list[Weekday] | None = Field(
        None, min_length=1, description="ISO weekdays, 1 = Monday; all working days if left out"
    )
    start_time: WallTime = Field(description="Opens at, HH:MM")
    end_time: WallTime = Field(description="Closes at, HH:MM; 24:00 is the end of the day")

    @field_validator("end_time")
    @classmethod
    def _ends_after_start(cls, end: str, info: ValidationInfo) -> str:
        return _later_than_start(end, info)


class Holidays(_Settings):
    """A public-holiday calendar of the ``holidays`` package."""

    country: str = Field(description="Country code, such as US")
    subdivision: str | None = Field(None, description="State or province code, such as TX")

    @field_validator("country")
    @classmethod
    def _known_country(cls, country: str) -> str:
        if country not in holiday_calendars.list_supported_countries():
            raise ValueError("use a country code of the holidays package, such as US")
        return country

    @field_validator("subdivision")
    @classmethod
    def _known_subdivision(cls, subdivision: str | None, info: ValidationInfo) -> str | None:
        country = info.data.get("country")
        if subdivision is not None and country is not None:
            known = holiday_calendars.list_supported_countries()[country]
            if subdivision not in known:
                raise ValueError(f"use one of {', '.join(known) or 'no subdivision'}")
        return subdivision

    def dates(self, years: range) -> list[date]:
        """Return the public holidays of ``years``, observed days included, in order."""
        calendar = holiday_calendars.country_holidays(self.country, subdiv=self.subdivision, years=years)
        return sorted(calendar)


class Retry(_Settings):
    """When a call that did not reach the person is tried again."""

    max_attempts: int = Field(
        1, ge=1, le=10, description="Calls to one contact at most; 1 if empty", json_schema_extra=_left_empty
    )
    delay_minutes: dict[RetryableOutcome, Annotated[int, Field(ge=0, le=LONGEST_WAIT_MINUTES)]] = Field(
        default_factory=dict,
        description='Per outcome that is tried again, the least minutes in between, such as {"busy": 10}',
    )

    @field_validator("delay_minutes")
    @classmethod
    def _read_at_all(
        cls, delays: dict[RetryableOutcome, int], info: ValidationInfo
    ) -> dict[RetryableOutcome, int]:
        attempts = info.data.get("max_attempts")
        outcomes = ", ".join(RetryableOutcome)
        if attempts is not None and attempts > 1 and not delays:
            raise ValueError(f"say after which of {outcomes} a call is tried again, such as {{busy: 10}}")
        if attempts == 1 and delays:
            raise ValueError("goes with max_attempts above 1; with one attempt nothing is tried again")
        return delays


class Campaign(_Settings):
    """What to call, from where, and when it is allowed."""

    name: str = Field(min_length=1, max_length=255, description="What people call this campaign")
    agent_id: str = Field(min_length=1, description="The voice agent that speaks")
    contact_list: str | None = Field(None, description="Name of a loaded list; required to schedule")
    phone_numbers: list[OutboundNumber] = Field(
        default_factory=list, description="Outbound numbers in E.164; required to schedule"
    )
    phone_rotation_strategy: Rotation = Field(Rotation.RANDOM, description="How outbound numbers are spread")
    dialer: DialerName | None = Field(None, description="Who places the calls; CALLPLAN_DIALER if empty")

    timezone: ZoneName = Field("UTC", description="IANA time zone of the campaign")
    contact_timezone: ContactTimezone = Field(
        ContactTimezone.CAMPAIGN, description="Whose clock the windows are read on"
    )
    schedule_type: ScheduleType = Field(ScheduleType.IMMEDIATE, description="Start now, or at scheduled_at")
    scheduled_at: Moment | None = Field(
        None, description="Start; with an offset that instant, without one in the campaign's time zone"
    )
    ends_at: Moment | None = Field(None, description="No call at or after it; written like scheduled_at")

    start_time: WallTime = Field("09:00", description="The daily window opens at, HH:MM")
    end_time: WallTime = Field("18:00", description="The daily window closes at, HH:MM; 24:00 is allowed")
    working_days: list[Weekday] = Field([1, 2, 3, 4, 5], min_length=1, description="ISO weekdays, 1 = Monday")
    windows: list[Window] | None = Field(
        None, min_length=1, description="Several windows, which replace start_time and end_time"
    )
    blackout_dates: list[date] = Field(default_factory=list, description="Dates on which nobody is called")
    holidays: Holidays | None = Field(None, description="Public holidays on which nobody is called")

    max_calls_per_day: int | None = Field(
        None, ge=1, le=MOST_CALLS, description="Calls per campaign-local date"
    )
    first_day_cap: FirstDayCap = Field(FirstDayCap.FULL, description="The cap of the day of the start")
    max_calls_per_number_per_day: int | None = Field(
        None, ge=1, le=MOST_CALLS, description="Calls per outbound number and date"
    )
    max_concurrent_calls: int = Field(10, ge=1, le=1000, description="Calls in flight at once")
    max_call_minutes: int = Field(
        60, ge=1, le=LONGEST_WAIT_MINUTES, description="After this an unanswered question is closed"
    )
    calls_per_second: float | None = Field(
        None, gt=0, le=MOST_CALLS_PER_SECOND, description="Pace of starting calls"
    )
    retry: Retry = Field(default_factory=Retry, description="Further attempts")
    seed: int = Field(0, ge=-(2**63), lt=2**63, description="Makes random draws repeatable")

    @field_validator("name", "agent_id")
    @classmethod
    def _is_a_line(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("must not be blank")
        if any(category(letter) == "Cc" for letter in text):
            raise ValueError("must be one line without control characters")
        return text

    @field_validator("phone_numbers", "working_days", "blackout_dates")
    @classmethod
    def _no_repeats(cls, values: list[Any]) -> list[Any]:
        repeated = sorted({str(value) for value in values if values.count(value) > 1})
        if repeated:
            raise ValueError(f"{', '.join(repeated)} stands there more than once")
        return values

    @field_validator("scheduled_at")
    @classmethod
    def _start_matches_type(cls, start: datetime | None, info: ValidationInfo) -> datetime | None:
        kind = info.data.get("schedule_type")
        if kind is ScheduleType.SCHEDULED and start is None:
            raise ValueError("is required when schedule_type is scheduled")
        if kind is ScheduleType.IMMEDIATE and start is not None:
            raise ValueError("goes with schedule_type: scheduled; an immediate one starts when scheduled")
        return start

    @field_validator("ends_at")
    @classmethod
    def _ends_after_it_starts(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        start, zone_name = info.data.get("scheduled_at"), info.data.get("timezone")
        if (
            end is not None
            and start is not None
            and zone_name is not None
            and _closing(end, zone_name) <= _opening(start, zone_name)
        ):
            raise ValueError(f"must be after scheduled_at, {start.isoformat()}")
        return end

    @field_validator("end_time")
    @classmethod
    def _ends_after_start(cls, end: str, info: ValidationInfo) -> str:
        return _later_than_start(end, info)

    @field_validator("windows")
    @classmethod
    def _windows_fit(cls, windows: list[Window] | None, info: ValidationInfo) -> list[Window] | None:
        working = info.data.get("working_days")
        if windows is None or working is None:
            return windows
        by_day: dict[int, list[Window]] = {}
        for window in windows:
            for day in working if window.days is None else window.days:
                if day not in working:
                    raise ValueError(f"day {day} is not one of working_days {working}")
                by_day.setdefault(day, []).append(window)
        for day, opened in by_day.items():
            in_order = sorted(opened, key=lambda window: window.start_time)
            for earlier, later in pairwise(in_order):
                if later.start_time < earlier.end_time:
                    raise ValueError(
                        f"on day {day} {earlier.start_time}-{earlier.end_time} and "
                        f"{later.start_time}-{later.end_time} overlap"
                    )
        return windows

    def windows_of(self, weekday: int) -> list[tuple[int, int]]:
        """Return the windows of an ISO weekday as (opens, closes) in minutes after midnight, in order."""
        if weekday not in self.working_days:
            return []
        if self.windows is None:
            return [(minute_of_day(self.start_time), minute_of_day(self.end_time))]
        return sorted(
            (minute_of_day(window.start_time), minute_of_day(window.end_time))
            for window in self.windows
            if weekday in (self.working_days if window.days is None else window.days)
        )

    def starts_at(self, now: datetime) -> datetime:
        """Return the UTC instant before which no slot lies; a start in the past means ``now``."""
        wanted_at = self.wanted_start()
        return now.astimezone(UTC) if wanted_at is None else max(now.astimezone(UTC), wanted_at)

    def wanted_start(self) -> datetime | None:
        """Return the UTC instant of ``scheduled_at``, or None where calls are to start at once."""
        return None if self.scheduled_at is None else _opening(self.scheduled_at, self.timezone)

    def stops_at(self) -> datetime | None:
        """Return the UTC instant at or after which no slot lies, or None for no end."""
        return None if self.ends_at is None else _closing(self.ends_at, self.timezone)

    def canonical_json(self) -> str:
        """Return the settings as JSON with sorted keys, the same text for the same settings."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)

    def settings_hash(self) -> str:
        """Return the SHA-256 of the settings, in hex."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()

    def missing_for_scheduling(self) -> list[str]:
        """Return, one sentence each, what a plan that is to be dialled still lacks in the settings."""
        missing = []
        if not self.phone_numbers:
            missing.append("phone_numbers: is required to schedule; give at least one E.164 number")
        if self.contact_list is None:
            missing.append("contact_list: is required to schedule; give the name of a loaded list")
        return missing

    @classmethod
    def from_mapping(cls, settings: object) -> Self:
        """Return the validated settings.

        Raises:
            InvalidSettingsError: with every mistake, each naming its field, what was found and what is right.
        """
        if not isinstance(settings, dict):
            raise InvalidSettingsError(["the settings must be a mapping of fields, such as name: Renewals"])
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise InvalidSettingsError(sentences(error, list(cls.model_fields))) from None


def _later_than_start(end: str, info: ValidationInfo) -> str:
    start = info.data.get("start_time")
    if start is not None and minute_of_day(end) <= minute_of_day(start):
        raise ValueError(f"must be after start_time {start}; a window never crosses midnight")
    return end


def _opening(moment: datetime, zone_name: str) -> datetime:
    return opening_instant(zone_name, moment) if moment.tzinfo is None else moment.astimezone(UTC)


def _closing(moment: datetime, zone_name: str) -> datetime:
    return closing_instant(zone_name, moment) if moment.tzinfo is None else moment.astimezone(UTC)
