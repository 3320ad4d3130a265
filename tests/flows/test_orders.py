"""When a run that is an order was given and begun, by the server's clock and by one's own."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas import FlowRun
from prefect.context import FlowRunContext
from prefect.states import Running

from flows.errors import WorkError
from flows.orders import HOLDS_FOR, began_after, given_at
from flows.recover_ledger import recover_ledger
from flows.resume_campaign import resume_campaign
from flows.schedule_campaign import schedule_campaign
from flows.schedule_late_contacts import schedule_late_contacts
from flows.update_campaign import update_campaign
from tests.people import campaign
from transforms.changes import Changes

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


@pytest.mark.parametrize(
    ("flow", "given"),
    [
        (recover_ledger, (True,)),
        (resume_campaign, ("Renewals",)),
        (schedule_campaign, (campaign(),)),
        (schedule_late_contacts, ("Renewals",)),
        (update_campaign, ("Renewals", Changes())),
    ],
)
def test_what_lets_calls_start_is_refused_where_it_comes_late(home, monkeypatch, flow, given):
    monkeypatch.setenv("CALLPLAN_HOME", str(home.path))
    late = _order(NOON + HOLDS_FOR + timedelta.resolution, meant_for=NOON, created=NOON)
    with (
        FlowRunContext.model_construct(flow=flow, flow_run=late),
        pytest.raises(WorkError, match="5 minutes"),
    ):
        flow.fn(*given)
