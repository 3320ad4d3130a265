"""Which outbound number makes each call."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise

import polars as pl

from transforms.campaign import Campaign, Rotation
from transforms.draws import draw
from transforms.standing import Held

_SLOTS_PER_DATE = 1 << 40

SHIFTS = pl.Schema({"first_row": pl.Int64(), "numbers": pl.List(pl.String())})
"""One row per stretch of a plan's rows in which the same numbers take turns, the first one first."""


def needs_rounds(campaign: Campaign) -> bool:
    """Return whether numbers must be drawn in rounds, because a draw can hit a number without room."""
    return (
        campaign.phone_rotation_strategy is Rotation.RANDOM
        and campaign.max_calls_per_number_per_day is not None
        and bool(campaign.phone_numbers)
    )


def with_from_number(
    slots: pl.LazyFrame, campaign: Campaign, dates: pl.DataFrame, held: Held, last_number: str | None
) -> pl.LazyFrame:
    """Add ``from_number`` to rows in ``scheduled_at`` order; null when the campaign has no number.

    Reads ``row``, ``call_date`` and ``slot_index``; takes the plan's dates (schema ``PLAN_DATES``), what they
    hold already, and the number that was used last before. ``round_robin`` and ``sequential`` work in
    ``shifts``. ``random`` draws each number from the seed, the date and the slot; a campaign that
    ``needs_rounds`` is drawn by ``numbers_in_rounds`` instead.
    """
    if not campaign.phone_numbers:
        return slots.with_columns(from_number=pl.lit(None, pl.String))
    if campaign.phone_rotation_strategy is Rotation.RANDOM:
        turn = draw(campaign.seed, _counter(), pl.lit(len(campaign.phone_numbers)))
        return slots.with_columns(from_number=_number(campaign, turn))
    return _in_shifts(slots, shifts(campaign, dates, held, last_number))


def shifts(campaign: Campaign, dates: pl.DataFrame, held: Held, last_number: str | None) -> pl.DataFrame:
    """Return which numbers take turns in which stretch of the plan's rows, as ``SHIFTS`` in row order.

    ``round_robin`` goes on after ``last_number`` and from date to date, and leaves out whoever has no room
    left on a date. ``sequential`` gives each number its share of the date in listed order: what its cap
    leaves, or an equal share of all calls of the date.
    """
    used = {
        day: dict(zip(numbers, calls, strict=True))
        for day, numbers, calls in held.per_number.group_by("call_date", maintain_order=True)
        .agg("from_number", "used")
        .iter_rows()
    }
    in_turn = campaign.phone_rotation_strategy is Rotation.ROUND_ROBIN
    rows = _round_robin(campaign, dates, used, last_number) if in_turn else _sequential(campaign, dates, used)
    return pl.DataFrame(list(rows), schema=SHIFTS, orient="row")


_UsedOfDate = Mapping[date, Mapping[str, int]]


def _round_robin(
    campaign: Campaign, dates: pl.DataFrame, used: _UsedOfDate, last_number: str | None
) -> Iterator[tuple[int, list[str]]]:
    waiting = _after(campaign.phone_numbers, last_number)
    cap = campaign.max_calls_per_number_per_day
    if cap is None:
        yield 0, waiting
        return
    for day, calls, first_row in dates.select("call_date", "calls", "first_row").iter_rows():
        room = {number: max(0, cap - used.get(day, {}).get(number, 0)) for number in waiting}
        given = 0
        for fewer, rounds in pairwise([0, *sorted(set(room.values()) - {0})]):
            if given < calls:
                turns = [number for number in waiting if room[number] > fewer]
                yield first_row + given, turns
                rows = min(calls - given, (rounds - fewer) * len(turns))
                last_number, given = turns[(rows - 1) % len(turns)], given + rows
        waiting = _after(campaign.phone_numbers, last_number)


def _after(numbers: list[str], last_number: str | None) -> list[str]:
    """Return the numbers in turn, beginning after ``last_number``."""
    first = 0 if last_number not in numbers else numbers.index(last_number) + 1
    return numbers[first:] + numbers[:first]


def _sequential(
    campaign: Campaign, dates: pl.DataFrame, used: _UsedOfDate
) -> Iterator[tuple[int, list[str]]]:
    cap, numbers = campaign.max_calls_per_number_per_day, campaign.phone_numbers
    for day, calls, first_row in dates.select("call_date", "calls", "first_row").iter_rows():
        made = [used.get(day, {}).get(number, 0) for number in numbers]
        left = equal_shares(calls, made) if cap is None else [max(0, cap - calls) for calls in made]
        given = 0
        for number, share in zip(numbers, left, strict=True):
            if share and given < calls:
                yield first_row + given, [number]
                given += share


def equal_shares(calls: int, made: list[int]) -> list[int]:
    """Return how many of ``calls`` each number takes so that all end up as even as what they made allows.

    What cannot be divided goes to the first listed of those that take the fewest.

    >>> equal_shares(80, [40, 0, 0])
    [0, 40, 40]
    >>> equal_shares(5, [0, 0, 9])
    [3, 2, 0]
    """
    total, sharing = calls, set(range(len(made)))
    while True:
        level, over = divmod(total + sum(made[place] for place in sharing), len(sharing))
        above = {place for place in sharing if made[place] > level}
        if not above:
            break
        sharing -= above
    shares = [level - made[place] if place in sharing else 0 for place in range(len(made))]
    for place in sorted(sharing)[:over]:
        shares[place] += 1
    return shares


def _in_shifts(slots: pl.LazyFrame, worked: pl.DataFrame) -> pl.LazyFrame:
    if worked.height == 1:
        turns = worked["numbers"][0]
        return slots.with_columns(from_number=pl.lit(turns).gather(pl.col("row") % turns.len()))
    nth = (pl.col("row") - pl.col("first_row")) % pl.col("numbers").list.len()
    return (
        slots.set_sorted("row")
        .join_asof(worked.lazy().set_sorted("first_row"), left_on="row", right_on="first_row")
        .with_columns(from_number=pl.col("numbers").list.get(nth))
        .drop("first_row", "numbers", strict=False)
    )


def numbers_in_rounds(slots: pl.DataFrame, campaign: Campaign, held: Held) -> pl.Series:
    """Return ``from_number`` for each row: even draws, those over a number's cap drawn again.

    Takes ``call_date`` and ``slot_index`` in ``scheduled_at`` order. In each round every waiting row draws
    among the numbers that have room on its date, and each number takes the first ones up to its room. A
    round in which some row fails fills a number, so there are at most as many rounds as numbers.

    Raises:
        ValueError: a date holds more rows than its numbers have room for.
    """
    room = _room_of_numbers(slots.select("call_date").unique().sort("call_date"), campaign, held)
    waiting = slots.select("call_date", "slot_index").with_row_index("place")
    given = []
    for drawn_before in range(len(campaign.phone_numbers)):
        free = (
            room.filter(pl.col("room") > 0)
            .sort("call_date", "turn")
            .with_columns(nth=pl.int_range(pl.len()).over("call_date"), free=pl.len().over("call_date"))
        )
        counter = _counter() + (drawn_before << 60)
        drawn = (
            waiting.join(free.select("call_date", "free").unique(), on="call_date", maintain_order="left")
            .with_columns(nth=draw(campaign.seed, counter, pl.col("free")).cast(pl.Int64))
            .join(free.drop("free"), on=["call_date", "nth"], maintain_order="left")
            .with_columns(taken=pl.int_range(pl.len()).over("call_date", "turn") < pl.col("room"))
        )
        if drawn.height < waiting.height:
            break
        given.append(drawn.filter("taken").select("place", "turn"))
        waiting = drawn.filter(~pl.col("taken")).select("place", "call_date", "slot_index")
        used = drawn.filter("taken").group_by("call_date", "turn").agg(used=pl.len().cast(pl.Int64))
        room = room.join(used, on=["call_date", "turn"], how="left").select(
            "call_date", "turn", room=pl.col("room") - pl.col("used").fill_null(0)
        )
        if waiting.is_empty():
            break
    if not waiting.is_empty():
        raise ValueError(f"{waiting.height} calls found no outbound number with room on their date")
    return pl.concat(given).sort("place").select(from_number=_number(campaign, pl.col("turn"))).to_series()


def _room_of_numbers(dates: pl.DataFrame, campaign: Campaign, held: Held) -> pl.DataFrame:
    """Return the calls each number may still make: one row per date and ``turn``, its place in the list."""
    numbers = pl.DataFrame({"from_number": campaign.phone_numbers}).with_row_index("turn")
    return (
        dates.join(numbers, how="cross")
        .join(held.per_number, on=["call_date", "from_number"], how="left")
        .select(
            "call_date",
            pl.col("turn").cast(pl.Int64),
            room=pl.lit(campaign.max_calls_per_number_per_day, pl.Int64) - pl.col("used").fill_null(0),
        )
    )


def _number(campaign: Campaign, turn: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(campaign.phone_numbers, dtype=pl.String)).gather(turn)


def _counter() -> pl.Expr:
    """Number every slot of a campaign: the date's day number and the slot's index within it."""
    return pl.col("call_date").cast(pl.Int32).cast(pl.Int64) * _SLOTS_PER_DATE + pl.col("slot_index")
