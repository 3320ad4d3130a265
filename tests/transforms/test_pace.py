from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from transforms.pace import LOOKS_BACK, SLACK, sustained, within_pace

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
        (2.0, [], 2, 1.0),  # two may start in a second
        (2.0, [0.5], 1, 0.5),
        (2.0, [0.2, 0.3], 0, 0.7),
        (2.4, [0.1, 0.2], 1, 0.8),  # rounded up: three in a second
        (1.0, [1.1, 2.2, 3.3], 1, 1.0),  # a fifth may follow it: five in five seconds
        (1.0, [1.1, 2.2, 3.3, 4.4], 1, 1.0),
        (1.5, [0.1, 0.2, 1.4, 1.5, 2.7, 2.8, 4.0, 4.1], 0, 0.9),  # eight in five seconds
        (1.5, [1.2, 1.3, 2.4, 2.5, 3.6, 3.7, 4.8, 4.9], 0, 0.1),
        (0.5, [], 1, 2.0),  # one in two seconds
        (0.5, [1.5], 0, 0.5),
        (0.3, [3.3], 0, 1 / 0.3 - 3.3),
        (0.3, [3.5], 1, 1 / 0.3),
        (0.1, [1.5], 0, 3.5),  # the claim sees to the rest of its ten
    ],
)
def test_no_window_has_more_starts_than_the_pace_and_who_is_held_hears_until_when(pace, ago, allowed, waits):
    found, held = within_pace(_requests(*[pace] * 3), _started(*ago), NOW)
    assert found.height == allowed
    assert held["campaign_id"].to_list() == ["x"]
    assert abs(held["free_at"][0] - (NOW + SECOND * waits + SLACK)) < timedelta(microseconds=2)


def test_a_campaign_is_not_held_by_the_pace_of_another():
    found, held = within_pace(_requests(1.0, None, 1.0, None), _started(0.5), NOW)
    assert found["campaign_id"].to_list() == ["free", "free"]
    assert held.rows() == [("x", NOW + SECOND / 2 + SLACK)]
    assert within_pace(_requests(None, None), _started(0.5), NOW)[1].is_empty()


@pytest.mark.parametrize("pace", [0.2, 0.3, 0.5, 1.0, 1.5, 7.0])
def test_what_can_be_sustained_is_what_starts_one_after_the_other_make(pace):
    now, starts = NOW, []
    while now < NOW + 200 * SECOND / max(pace, 1):
        seconds_ago = [(now - at) / SECOND for at in starts[-300:] if at > now - LOOKS_BACK]
        started = _started(*seconds_ago).with_columns(pl.col("noted_at") + (now - NOW))
        found, held = within_pace(_requests(*[pace] * 60), started, now)
        starts += [now] * found.height
        now = held["free_at"][0]
    made = (len(starts) - 1) / ((starts[-1] - NOW) / SECOND)
    assert 0.98 * sustained(pace) < made < 1.1 * sustained(pace)
    assert sustained(pace) <= pace


def test_less_than_one_in_five_seconds_is_sustained_as_it_is():
    assert sustained(0.05) == 0.05


def test_a_start_that_a_wrong_clock_noted_far_ahead_does_not_hold_anybody():
    assert within_pace(_requests(1.0), _started(-1.5), NOW)[0].is_empty()
    assert within_pace(_requests(1.0), _started(-2.5, -86400), NOW)[0].height == 1
