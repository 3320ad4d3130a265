"""When a run that is an order was given and begun, by the server's clock and by one's own."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas import FlowRun
from prefect.states import Running

from flows.errors import WorkError
from flows.orders import began_after, given_at

NOON = datetime(2026, 3, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _order(begun_at, meant_for, created, *, auto=False):
    begun = Running(timestamp=begun_at)
    return FlowRun(
        flow_id=uuid4(), state=begun, expected_start_time=meant_for, created=created, auto_scheduled=auto
    )


def test_an_order_for_later_was_given_before_its_time():
    order = _order(NOON + MINUTE, meant_for=NOON, created=NOON - 60 * MINUTE)
    assert began_after(order) == MINUTE
    assert given_at(order, NOON + 2 * MINUTE) == NOON - 60 * MINUTE


def test_a_run_by_a_schedule_is_ordered_for_its_time():
    order = _order(NOON + MINUTE, meant_for=NOON, created=NOON - 60 * MINUTE, auto=True)
    assert given_at(order, NOON + MINUTE) == NOON


def test_a_server_whose_clock_is_ahead_moves_no_order_behind_a_pause():
    ahead = 10 * MINUTE
    order = _order(NOON + MINUTE + ahead, meant_for=NOON + ahead, created=NOON + ahead)
    assert given_at(order, NOON + MINUTE) == NOON


def test_a_run_that_does_not_say_when_it_was_meant_is_refused():
    with pytest.raises(WorkError, match="does not say when"):
        began_after(_order(NOON, meant_for=None, created=NOON))
