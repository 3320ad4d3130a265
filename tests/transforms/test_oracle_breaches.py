"""The rules that the oracle judges plans by: its own plans hold them, and what breaks one is found."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.examples import SEED
from tests.transforms import oracle
from tests.transforms.by_hand import (
    NEW_YORK,
    NUMBERS,
    TUESDAY,
    campaign,
    letters,
    people,
    replanned,
    stands,
    utc,
)
from tests.transforms.oracle import Infeasible, Person, replan
from tests.transforms.replannings import Replanning, replannings


def _nothing_is_broken(replanning: Replanning) -> None:
    try:
        slots, excluded = replanning.planned()
    except Infeasible:
        return
    carried = {(row.contact_id, row.attempt) for row in replanning.standing if row.kind == "carried"}
    placed = {
        (person.contact_id, attempt)
        for person, attempt in replanning.to_place
        if person.contact_id not in excluded
    }
    assert {(slot.contact_id, slot.attempt) for slot in slots} == placed | carried
    assert not oracle.breaches(
        slots, replanning.campaign, replanning.starts_at, replanning.from_at, replanning.standing
    )


@seed(SEED)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(replannings())
def test_rules_hold_over_what_stands_and_what_is_replanned(replanning: Replanning) -> None:
    _nothing_is_broken(replanning)


@seed(SEED)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(replannings(by_number=True))
def test_rules_hold_where_several_zones_have_to_be_open(replanning: Replanning) -> None:
    _nothing_is_broken(replanning)


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({}, None),
        ({"contact_id": "started"}, "planned twice"),
        ({"contact_id": "started", "attempt": 2}, None),
        ({"scheduled_at": utc("2026-07-06T13:00")}, "two at once"),
        ({"scheduled_at": utc("2026-07-06T21:59")}, "not in order"),
        ({"scheduled_at": utc("2026-07-06T17:59:59.999999")}, "before the start"),
        ({"not_after": utc("2026-07-06T18:00")}, "before the start or after the end"),
        ({"not_after": utc("2026-07-07T05:00")}, "the wrong date"),
        ({"call_date": TUESDAY}, "the wrong date"),
        ({"timezone": "Europe/London"}, "outside every window"),
        ({"timezone": f"{NEW_YORK}|Europe/London"}, "outside every window"),
        ({"timezone": "Asia/Tokyo"}, "without calls"),
        ({"slot_index": 0}, "slot_index jumps"),
        ({"from_number": NUMBERS["A"]}, "calls too often"),
        ({"from_number": NUMBERS["Z"]}, "not of the campaign"),
    ],
)
def test_breaches_are_found(broken: dict[str, Any], rule: str | None) -> None:
    settings = campaign(
        phone_numbers=[NUMBERS["A"], NUMBERS["B"]],
        phone_rotation_strategy="round_robin",
        max_calls_per_day=4,
        max_calls_per_number_per_day=2,
        blackout_dates=["2026-07-07"],
    )
    standing = [
        stands("started", "06 13:00", "started", number=NUMBERS["A"]),
        stands("carried", "06 21:00", "z"),
    ]
    starts_at, from_at = utc("2026-07-06T00:00"), utc("2026-07-06T18:00")
    contacts = people(None, None)
    slots, _ = replan(
        [(contact, 1) for contact in contacts],
        settings,
        starts_at,
        from_at,
        standing,
        NUMBERS["A"],
        [Person("z", "+12125550000", None)],
    )
    assert letters(slots) == "BAB"
    found = oracle.breaches([replace(slots[0], **broken), *slots[1:]], settings, starts_at, from_at, standing)
    assert (found == []) if rule is None else any(rule in breach for breach in found)


def test_a_lost_carried_slot_and_a_date_over_its_cap_are_breaches() -> None:
    standing = [stands("started", "06 13:00"), stands("carried", "06 21:00", "z")]
    starts_at, from_at = utc("2026-07-06T00:00"), utc("2026-07-06T18:00")
    slots = replanned(people(None, None), "06 18:00", standing[0])
    found = oracle.breaches(slots, campaign(max_calls_per_day=2), starts_at, from_at, standing)
    assert found == ["what is carried over is lost or moved", "too many calls on 2026-07-06"]
