"""Asking about calls where the provider's limit is scarce: everyone gets a turn, and placing goes on."""

from datetime import timedelta

import polars as pl
import pytest

from flows.budget import RequestBudget
from flows.dialers.replied import Replied
from flows.dialers.simulated import SimulatedDialer
from tests.people import contacts
from tests.world import START, World

pytestmark = pytest.mark.scenario

MINUTE = timedelta(minutes=1)


class Scarce(SimulatedDialer):
    """Takes 40 requests a minute; a call ends after a minute, or never with the first ``stuck`` contacts."""

    def __init__(self, home, stuck):
        super().__init__()
        self.budget = RequestBudget(home.path / "budget.json", 40)
        self._stuck = [f"c{number}" for number in range(stuck)]

    def look_up(self, calls, now):
        ended = calls.filter(~pl.col("contact_id").is_in(self._stuck) & (pl.col("noted_at") + MINUTE <= now))
        return Replied(
            ended.select(
                "campaign_id",
                "contact_id",
                "attempt",
                state=pl.lit("no_answer"),
                provider_status=pl.lit("no-answer"),
                reported_at=pl.col("noted_at") + MINUTE,
                reason=pl.lit(None, pl.String),
            )
        )


@pytest.mark.parametrize("beat", [6 * MINUTE, MINUTE])
def test_calls_that_never_end_keep_nobody_from_being_called_or_asked_about(home, beat):
    world = World(
        home,
        contacts(160),
        dialer=Scarce(home, 4),
        end_time="10:10",
        max_concurrent_calls=20,
        max_call_minutes=8,
    )
    step = timedelta(seconds=15)
    for minutes in range(int(beat / MINUTE), 13, int(beat / MINUTE)):  # each time another dispatcher
        world.run(START + minutes * MINUTE, tick=step, reach=step)
    noted = world.calls.filter(pl.col("noted_at").is_not_null())
    assert noted.filter(pl.col("noted_at") < START + 10 * MINUTE).height > 80
    unknown = noted.filter((pl.col("state") == "unknown") & pl.col("finished_at").is_not_null())
    assert unknown["contact_id"].is_in([f"c{number}" for number in range(4)]).all()
