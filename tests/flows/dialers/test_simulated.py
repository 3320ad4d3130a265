from datetime import UTC, datetime, timedelta

import polars as pl

from flows.dialers.dialer import ANSWERS, REPORTS
from flows.dialers.simulated import SimulatedDialer

NOW = datetime(2026, 3, 23, 14, tzinfo=UTC)


def _calls(count):
    slots = pl.datetime_range(NOW, NOW + timedelta(seconds=count - 1), "1s", time_zone="UTC", eager=True)
    return pl.DataFrame({"scheduled_at": slots}).with_columns(
        campaign_id=pl.lit("x"),
        contact_id=pl.format("c{}", pl.int_range(pl.len())),
        attempt=pl.lit(1, pl.UInt8),
        lease_id=pl.lit("lease"),
        noted_at=pl.lit(NOW),
    )


def test_every_request_is_taken_on():
    exchange = SimulatedDialer().send(_calls(3), NOW)
    answers = exchange.replies(NOW)
    assert not exchange.is_open
    assert answers.schema == ANSWERS
    assert answers["state"].to_list() == ["in_progress"] * 3


def test_every_call_ends_once_within_its_time():
    dialer, calls = SimulatedDialer(3), _calls(2000)
    assert dialer.look_up(calls, NOW).replies(NOW).is_empty()
    reports = dialer.look_up(calls, NOW + timedelta(minutes=5)).replies(NOW)
    assert reports.schema == REPORTS
    assert reports["contact_id"].n_unique() == 2000
    assert (reports["reported_at"] > NOW).all()
    shares = dict(reports["state"].value_counts(normalize=True).iter_rows())
    expected = {"completed": 0.6, "no_answer": 0.2, "voicemail": 0.1, "busy": 0.07, "failed": 0.03}
    assert shares.keys() == expected.keys()
    assert all(abs(shares[state] - share) < 0.04 for state, share in expected.items())


def test_outcomes_depend_on_the_seed_alone():
    later = NOW + timedelta(minutes=5)
    first, again, other = (SimulatedDialer(seed).ended(_calls(50), later) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
