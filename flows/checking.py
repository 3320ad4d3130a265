"""The rules of a plan, each a statement of ``sql/checks`` that returns the rows that break it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

import sql
from flows.progress import Progress, silent
from transforms.brief import Brief
from transforms.campaign import Campaign
from transforms.days import room_of_dates
from transforms.schemas import PLAN
from transforms.slots import Clearance, clearance
from transforms.standing import Held, held_per_date, held_per_number
from transforms.wall_clock import offsets
from transforms.windows import JOINT, REACH_DAYS, closed_dates, openings

SHOWN = 5
"""How many offending rows are shown for a broken rule."""

_NEED_CONTACTS = {"checks/who_is_planned", "checks/who_goes_first"}
_MINUTE_US = 60_000_000
_AS_WRITTEN = "set disabled_optimizers = 'join_order,build_side_probe_side'"
"""DuckDB cannot know that a rule finds few rows or none, and would rather keep a whole plan in memory."""


@dataclass(frozen=True)
class CheckResult:
    """What one rule found: how many rows break it, and the first few (contact_id, attempt, problem)."""

    rule: str
    broken: int
    examples: list[dict[str, object]]


@dataclass(frozen=True)
class PlanUnderTest:
    """A plan file with what it was computed from.

    ``contacts`` has one row per contact and attempt that its brief asked for: ``contact_id``, ``attempt``,
    ``position``, ``reason`` (null when eligible).
    """

    file: Path
    campaign: Campaign
    brief: Brief
    contacts: pl.DataFrame | None = None


def check_plan(plan: PlanUnderTest, progress: Progress = silent) -> list[CheckResult]:
    """Run every rule over every row and return one result per rule, in the order of their names.

    The two rules that compare the plan with the list run only when its contacts are given.
    """
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(_AS_WRITTEN)
        _open(connection, plan)
        results = []
        for name in sql.names("checks"):
            if plan.contacts is not None or name not in _NEED_CONTACTS:
                progress(_title(name))
                results.append(_result(connection, name))
    return results


def _title(name: str) -> str:
    return name.removeprefix("checks/").replace("_", " ")


def _result(connection: duckdb.DuckDBPyConnection, name: str) -> CheckResult:
    offences = connection.sql(sql.statement(name))
    broken = int(offences.aggregate("count(*)").fetchall()[0][0])
    examples = offences.limit(SHOWN).pl().to_dicts() if broken else []
    return CheckResult(_title(name), broken, examples)


def _open(connection: duckdb.DuckDBPyConnection, plan: PlanUnderTest) -> None:
    """Lay the plan and everything the rules compare it with before the statements, as relations."""
    rows = connection.read_parquet(str(plan.file), file_row_number=True)
    rows.project("*, file_row_number as row_number").create_view("plan")
    for name, frame in _relations(connection, plan).items():
        connection.register(name, frame.to_arrow(compat_level=pl.CompatLevel.newest()))


def _relations(connection: duckdb.DuckDBPyConnection, plan: PlanUnderTest) -> Mapping[str, pl.DataFrame]:
    campaign, brief = plan.campaign, plan.brief
    spread = connection.sql(sql.statement("describe_plan")).pl()
    zones = sorted(zone for zone in spread["timezone"] if zone is not None)
    first, last = _dates(spread)
    standing = brief.standing.filter(pl.col("kind") != "due").collect()
    held = Held(*pl.collect_all([held_per_date(standing.lazy()), held_per_number(standing.lazy())]))
    clear = clearance(max(len(zones), 1), is_first=held.nothing)
    relations = {
        "clock": offsets(
            sorted({*(name for zone in zones for name in zone.split(JOINT)), campaign.timezone}),
            brief.from_at - timedelta(days=1),
            _after(last),
        ),
        "open_window": _open_windows(campaign),
        "closed_date": pl.DataFrame(
            {"day": sorted(closed_dates(campaign, first - _REACH, last + _REACH))}, schema={"day": pl.Date()}
        ),
        "opening": openings(campaign, zones, first, last, brief.from_at, campaign.stops_at()),
        "date_before": _dates_before(campaign, brief, held, first, last),
        "outbound_number": pl.DataFrame(
            {"number": campaign.phone_numbers, "turn": range(len(campaign.phone_numbers))},
            schema={"number": pl.String(), "turn": pl.Int64()},
        ),
        "standing": standing,
        "rules": _rules(plan, clear),
    }
    if plan.contacts is not None:
        relations["contact"] = plan.contacts
    return relations


def _dates_before(campaign: Campaign, brief: Brief, held: Held, first: date, last: date) -> pl.DataFrame:
    """Return what a plan finds on each date: the ``room`` for its rows, and the first free ``slot_index``."""
    room = room_of_dates(campaign, brief.starts_at, held)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    found = pl.DataFrame(
        {"call_date": days, "room": [room(day) for day in days]},
        schema={"call_date": pl.Date(), "room": pl.Int64()},
    )
    return found.join(held.per_date, on="call_date", how="left", maintain_order="left").select(
        "call_date",
        room=pl.col("room") + pl.col("carried").fill_null(0),
        next_index=pl.col("next_index").fill_null(0),
    )


_REACH = timedelta(days=REACH_DAYS)


def _dates(spread: pl.DataFrame) -> tuple[date, date]:
    first, last = spread["first_date"].min(), spread["last_date"].max()
    if isinstance(first, date) and isinstance(last, date):
        return first, last
    return date(1970, 1, 2), date(1970, 1, 1)


def _after(last: date) -> datetime:
    return datetime.fromisoformat(f"{last}T00:00:00+00:00") + _REACH + timedelta(days=1)


def _open_windows(campaign: Campaign) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (weekday, opens * _MINUTE_US, closes * _MINUTE_US)
            for weekday in range(1, 8)
            for opens, closes in campaign.windows_of(weekday)
        ],
        schema={"weekday": pl.Int64(), "opens_us": pl.Int64(), "closes_us": pl.Int64()},
        orient="row",
    )


def _rules(plan: PlanUnderTest, clear: Clearance) -> pl.DataFrame:
    campaign, brief = plan.campaign, plan.brief
    numbers, last_number = campaign.phone_numbers, brief.last_number
    first_turn = numbers.index(last_number) + 1 if last_number in numbers else 0
    return pl.DataFrame(
        {
            "campaign_id": [brief.edition.campaign_id],
            "plan_version": [brief.edition.plan_version],
            "timezone": [campaign.timezone],
            "from_at": [brief.from_at],
            "stops_at": [campaign.stops_at()],
            "max_calls_per_number_per_day": [campaign.max_calls_per_number_per_day],
            "rotation": [campaign.phone_rotation_strategy.value],
            "first_turn": [first_turn],
            "spacing_us": [clear.spacing_us],
            "reserve_us": [clear.reserve_us],
        },
        schema={
            "campaign_id": pl.String(),
            "plan_version": pl.Int32(),
            "timezone": pl.String(),
            "from_at": PLAN["scheduled_at"],
            "stops_at": PLAN["scheduled_at"],
            "max_calls_per_number_per_day": pl.Int64(),
            "rotation": pl.String(),
            "first_turn": pl.Int64(),
            "spacing_us": pl.Int64(),
            "reserve_us": pl.Int64(),
        },
    )
