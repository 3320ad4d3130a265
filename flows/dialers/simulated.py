"""A dialer that calls nobody: outcomes and durations are drawn from a seed."""

from datetime import datetime, timedelta

import polars as pl

from flows.dialers.dialer import ANSWERS, REPORTS
from flows.dialers.replied import Replied
from transforms.draws import draw

_OUTCOMES = pl.DataFrame(
    [
        ("completed", 0, 60, 30, 300),
        ("no_answer", 60, 80, 25, 40),
        ("voicemail", 80, 90, 20, 60),
        ("busy", 90, 97, 2, 5),
        ("failed", 97, 100, 1, 3),
    ],
    schema=["state", "from_percent", "until_percent", "shortest_seconds", "longest_seconds"],
    orient="row",
)


class SimulatedDialer:
    """Takes on every call and ends it after a while; it keeps no state, so it survives any restart.

    A call's outcome and duration depend on the seed and the call's ``scheduled_at`` alone, which no other
    call of its campaign shares.
    """

    budget = None
    keys_live = timedelta(days=36_500)

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def prepare(self, requests: int) -> None:
        """Do nothing: it is always ready."""

    def send(self, requests: pl.DataFrame, now: datetime) -> Replied:
        """Take on every request at once."""
        answers = requests.with_columns(
            state=pl.lit("in_progress"),
            provider_call_id=pl.concat_str(pl.lit("sim"), "contact_id", "attempt", separator="-"),
            answered_at=pl.lit(now),
            reason=pl.lit(None, pl.String),
        )
        return Replied(answers.select(pl.col(name).cast(dtype) for name, dtype in ANSWERS.items()))

    def look_up(self, calls: pl.DataFrame, now: datetime) -> Replied:
        """Report the calls that have lasted as long as they were drawn to, ended when they did."""
        return Replied(self.ended(calls, now))

    def ended(self, calls: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Return the outcomes (``REPORTS``) of those calls (``CALLS``) that have ended by ``now``."""
        slot = pl.col("scheduled_at").dt.epoch("us")
        seconds = pl.col("longest_seconds") - pl.col("shortest_seconds") + 1
        return (
            calls.with_columns(percent=draw(self._seed, slot, pl.lit(100)).cast(pl.Int64))
            .join_where(
                _OUTCOMES,
                pl.col("percent") >= pl.col("from_percent"),
                pl.col("percent") < pl.col("until_percent"),
            )
            .with_columns(
                lasted=pl.col("shortest_seconds") + draw(self._seed + 1, slot, seconds).cast(pl.Int64)
            )
            .with_columns(reported_at=pl.col("noted_at") + pl.duration(seconds="lasted"))
            .filter(pl.col("reported_at") <= now)
            .with_columns(reason=pl.lit(None, pl.String), provider_status=pl.lit(None, pl.String))
            .select(pl.col(name).cast(dtype) for name, dtype in REPORTS.items())
        )
