"""What can be placed of a plan."""

from datetime import date, timedelta

import pytest

from flows.planning import compute_plan
from tests.people import EARLIER, campaign, contacts, first_brief
from transforms.preflight import preflight

MINUTE = timedelta(minutes=1)


def _preflight(people, lasts, **changes):
    settings = campaign(scheduled_at="2026-03-23T00:00", **changes)
    rows = compute_plan(people, settings, first_brief(settings, EARLIER)).rows
    return preflight(rows, settings, lasts)


def test_a_plan_that_fits_its_lines_is_placed_whole():
    # 7 hours are open: ten lines take 10 * 420 / 2 = 2,100 calls of two minutes.
    found = _preflight(contacts(300), 2 * MINUTE, max_calls_per_day=100)
    assert found.dates["share"].to_list() == [1.0, 1.0, 1.0]
    assert found.packed == []
    assert found.finishes_on == date(2026, 3, 25)


def test_a_packed_date_is_named_and_what_it_misses_comes_later():
    # One line takes 420 / 6 = 70 calls of six minutes a day; 300 calls take five days: 70, 70, 70, 70, 20.
    found = _preflight(contacts(300), 6 * MINUTE, max_calls_per_day=100, max_concurrent_calls=1)
    assert found.dates["can_be_placed"].to_list() == [70, 70, 70]
    assert found.dates["share"].to_list() == [0.7, 0.7, 0.7]
    assert found.packed == [date(2026, 3, 23), date(2026, 3, 24), date(2026, 3, 25)]
    assert found.finishes_on == date(2026, 3, 27)


def test_the_pace_limits_what_can_be_placed():
    found = _preflight(contacts(100), MINUTE, calls_per_second=0.002, max_concurrent_calls=100)
    assert found.dates["can_be_placed"].to_list() == [50]  # 25,200 seconds * 0.002


def test_zones_that_are_open_at_the_same_time_share_the_lines():
    # New York and Los Angeles are open for ten hours together, not for fourteen.
    zones = ["America/New_York", "America/Los_Angeles"]
    found = _preflight(contacts(700, zones), MINUTE, contact_timezone="contact", max_concurrent_calls=1)
    assert found.dates["can_be_placed"].to_list() == [600]


@pytest.mark.parametrize(("ends_at", "finishes_on"), [("2026-03-24T12:00", None), (None, date(2026, 3, 24))])
def test_what_cannot_be_placed_before_the_end_is_not_promised(ends_at, finishes_on):
    limits = {"max_calls_per_day": 500, "max_concurrent_calls": 1, "ends_at": ends_at}
    found = _preflight(contacts(800), MINUTE, **limits)
    assert found.finishes_on == finishes_on
