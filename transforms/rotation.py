"""Which outbound number makes each call."""

import polars as pl

from transforms.campaign import Campaign, Rotation
from transforms.draws import draw

_SLOTS_PER_DATE = 1 << 40


def needs_rounds(campaign: Campaign) -> bool:
    """Return whether numbers must be drawn in rounds, because a draw can hit a number without room."""
    return (
        campaign.phone_rotation_strategy is Rotation.RANDOM
        and campaign.max_calls_per_number_per_day is not None
        and bool(campaign.phone_numbers)
    )


def with_from_number(slots: pl.LazyFrame, campaign: Campaign) -> pl.LazyFrame:
    """Add ``from_number`` to rows in ``scheduled_at`` order; null when the campaign has no number.

    Reads ``row``, ``call_date``, ``slot_index`` and ``date_calls``. ``round_robin`` takes the numbers in
    turn over the whole plan; no number is skipped, because a date never holds more calls than all numbers
    may make together and turns are even. ``sequential`` gives each number its share of the date, its cap or
    an equal share, in listed order. ``random`` draws each number from the seed, the date and the slot; a
    campaign that ``needs_rounds`` is drawn by ``numbers_in_rounds`` instead.
    """
    if not campaign.phone_numbers:
        return slots.with_columns(from_number=pl.lit(None, pl.String))
    turn = {
        Rotation.ROUND_ROBIN: _in_turn,
        Rotation.SEQUENTIAL: _in_shares,
        Rotation.RANDOM: _at_random,
    }[campaign.phone_rotation_strategy](campaign)
    return slots.with_columns(from_number=_number(campaign, turn))


def numbers_in_rounds(slots: pl.DataFrame, campaign: Campaign) -> pl.Series:
    """Return ``from_number`` for each row: even draws, those over a number's cap drawn again.

    Takes ``call_date`` and ``slot_index`` in ``scheduled_at`` order. In each round every waiting row draws
    among the numbers that have room on its date, and each number takes the first ones up to its room. A
    round in which some row fails fills a number, so there are at most as many rounds as numbers.

    Raises:
        ValueError: a date holds more rows than its numbers have room for.
    """
    dates = slots.select("call_date").unique().sort("call_date")
    room = dates.join(
        pl.DataFrame({"turn": range(len(campaign.phone_numbers))}, schema={"turn": pl.Int64}), how="cross"
    ).with_columns(room=pl.lit(campaign.max_calls_per_number_per_day, pl.Int64))
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


def _number(campaign: Campaign, turn: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(campaign.phone_numbers, dtype=pl.String)).gather(turn)


def _in_turn(campaign: Campaign) -> pl.Expr:
    return pl.col("row") % len(campaign.phone_numbers)


def _in_shares(campaign: Campaign) -> pl.Expr:
    if campaign.max_calls_per_number_per_day is not None:
        return pl.col("slot_index") // campaign.max_calls_per_number_per_day
    numbers = len(campaign.phone_numbers)
    share, larger = pl.col("date_calls") // numbers, pl.col("date_calls") % numbers
    in_larger = larger * (share + 1)
    return (
        pl.when(pl.col("slot_index") < in_larger)
        .then(pl.col("slot_index") // (share + 1))
        .otherwise(larger + (pl.col("slot_index") - in_larger) // pl.max_horizontal(share, 1))
    )


def _at_random(campaign: Campaign) -> pl.Expr:
    return draw(campaign.seed, _counter(), pl.lit(len(campaign.phone_numbers)))


def _counter() -> pl.Expr:
    """Number every slot of a campaign: the date's day number and the slot's index within it."""
    return pl.col("call_date").cast(pl.Int32).cast(pl.Int64) * _SLOTS_PER_DATE + pl.col("slot_index")
