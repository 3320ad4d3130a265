from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from transforms.pace import SLACK, within_pace

NOW = datetime(2026, 3, 23, 14, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _requests(*paces):
    return pl.DataFrame(
        [("x" if pace else "free", pace) for pace in paces],
        schema={"campaign_id": pl.String(), "calls_per_second": pl.Float64()},
        orient="row",
    )


def _started(*seconds_ago):
    return pl.DataFrame(
        {"campaign_id": ["x"] * len(seconds_ago), "noted_at": [NOW - SECOND * ago for ago in seconds_ago]},
        schema={"campaign_id": pl.String(), "noted_at": pl.Datetime("us", "UTC")},
    )


@pytest.mark.parametrize(
    ("pace", "ago", "allowed", "waits"),
    [
        (2.0, [], 2, None),  # two may start in a second
        (2.0, [0.5], 1, 0.5),
        (2.0, [0.2, 0.3], 0, 0.7),
        (0.5, [], 1, None),  # rounded up: one in a second, three in five
        (0.5, [1.5], 1, None),
        (0.5, [1.5, 3, 4], 0, 1.0),
        (0.1, [1.5], 0, 3.5),  # one in five seconds
        (2.4, [0.1, 0.2], 1, 0.8),  # three in a second
    ],
)
def test_no_window_of_a_second_or_five_has_more_starts_than_the_pace(pace, ago, allowed, waits):
    found, moment = within_pace(_requests(*[pace] * 3), _started(*ago), NOW)
    assert found.height == allowed
    if waits is not None:
        assert moment == NOW + SECOND * waits + SLACK


def test_a_campaign_without_a_pace_is_not_held_by_another():
    found, moment = within_pace(_requests(1.0, None, 1.0, None), _started(0.5), NOW)
    assert found["campaign_id"].to_list() == ["free", "free"]
    assert moment == NOW + SECOND / 2 + SLACK
    assert within_pace(_requests(None, None), _started(0.5), NOW)[1] is None
