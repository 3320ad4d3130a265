"""Every rule of a plan beside what stands, held against an independent planner that works row by row."""

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, seed, settings

from flows.planning import InfeasibleError, compute_plan
from tests.examples import SEED, counted, share
from tests.transforms import oracle
from tests.transforms.oracle import Slot
from tests.transforms.replannings import Replanning, replannings
from transforms.brief import Brief
from transforms.plan import Edition
from transforms.schemas import CONTACTS, STANDING

COMPARED = (
    "contact_id",
    "attempt",
    "timezone",
    "timezone_source",
    "scheduled_at",
    "not_after",
    "call_date",
    "slot_index",
)
# A drawn replanning holds one or two whole plans of the oracle's, so drawing is most of the work.
unhurried = settings(suppress_health_check=[HealthCheck.too_slow])


def _contacts(replanning: Replanning) -> pl.LazyFrame:
    known = {
        "contact_id": [person.contact_id for person in replanning.people],
        "phone": [person.phone for person in replanning.people],
        "timezone": [person.timezone for person in replanning.people],
        "variables": ["{}"] * len(replanning.people),
        "line": list(range(2, len(replanning.people) + 2)),
    }
    rows = pl.DataFrame({name: known.get(name, [None] * len(replanning.people)) for name in CONTACTS})
    return rows.cast(dict(CONTACTS)).lazy()


def _standing(replanning: Replanning) -> pl.LazyFrame:
    """Return what stands and what is due, in no order that means anything."""
    there = [
        {name: getattr(row, name) for name in STANDING if name != "timezone_source"}
        | {"timezone_source": "campaign"}
        for row in replanning.standing
    ]
    due = [
        {"contact_id": person.contact_id, "attempt": attempt, "kind": "due"}
        for person, attempt in replanning.due
    ]
    return pl.DataFrame(there + due, schema=STANDING).sort("contact_id", "attempt").lazy()


def _computed(replanning: Replanning):
    brief = Brief(
        starts_at=replanning.starts_at,
        from_at=replanning.from_at,
        edition=Edition("preview", replanning.plan_version),
        fresh_from=replanning.fresh_from,
        fresh_until=replanning.fresh_until,
        standing=_standing(replanning),
        last_number=replanning.last_number,
    )
    return compute_plan(_contacts(replanning), replanning.campaign, brief)


@seed(SEED)
@settings(unhurried, max_examples=share(30))
@given(replannings())
@counted
def test_a_replan_is_the_one_that_the_oracle_makes(replanning):
    try:
        slots, excluded = replanning.planned()
    except oracle.Infeasible as infeasible:
        with pytest.raises(InfeasibleError, match=rf"^{infeasible.left:,} of "):
            _computed(replanning)
        return
    computed = _computed(replanning)
    rows = computed.rows.collect()
    assert set(computed.excluded["contact_id"]) == set(excluded)
    assert rows.select(COMPARED).rows() == [tuple(getattr(slot, name) for name in COMPARED) for slot in slots]
    assert set(rows["plan_version"]) <= {replanning.plan_version}
    if replanning.campaign.phone_rotation_strategy != "random":
        assert rows["from_number"].to_list() == [slot.from_number for slot in slots]


@seed(SEED)
@settings(unhurried, max_examples=share(8))
@given(replannings())
@counted
def test_all_rules_hold_over_what_stands_and_what_is_planned_together(replanning):
    try:
        rows = _computed(replanning).rows.collect()
    except InfeasibleError:
        assume(False)
    slots = [Slot(*row) for row in rows.select(tuple(Slot.__dataclass_fields__)).rows()]
    placed = {(person.contact_id, attempt) for person, attempt in replanning.to_place}
    carried = {(row.contact_id, row.attempt) for row in replanning.standing if row.kind == "carried"}
    assert {(slot.contact_id, slot.attempt) for slot in slots} <= placed | carried
    assert all(slot.from_number for slot in slots)
    assert not oracle.breaches(
        slots, replanning.campaign, replanning.starts_at, replanning.from_at, replanning.standing
    )
