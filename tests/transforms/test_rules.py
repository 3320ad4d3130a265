"""Every rule of a plan, held against an independent planner that works row by row."""

import polars as pl
import pytest
from hypothesis import assume, given, seed, settings

from flows.checking import PlanUnderTest, check_plan
from flows.planning import InfeasibleError, compute_plan, judged_contacts
from tests.examples import SEED, counted, share
from tests.transforms import oracle
from tests.transforms.campaigns import plannings
from transforms.brief import Brief
from transforms.schemas import CONTACTS


def _contacts(people):
    rows = pl.DataFrame(
        {
            "contact_id": [person.contact_id for person in people],
            "phone": [person.phone for person in people],
            "timezone": [person.timezone for person in people],
            "line": range(2, len(people) + 2),
        },
        schema_overrides={"timezone": pl.String(), "line": pl.Int64()},
    )
    return rows.lazy().select(
        (pl.col(name) if name in rows.columns else pl.lit("{}" if name == "variables" else None))
        .cast(dtype)
        .alias(name)
        for name, dtype in CONTACTS.items()
    )


def _brief(starts_at):
    return Brief(starts_at=starts_at, from_at=starts_at)


def _expected(people, campaign, now):
    """Return the oracle's slots and exclusions, or the number it cannot place."""
    try:
        return oracle.plan(people, campaign, now)
    except oracle.Infeasible as infeasible:
        return infeasible.left


@seed(SEED)
@settings(max_examples=share(58))
@given(plannings())
@counted
def test_a_plan_is_the_one_that_the_oracle_makes(planning):
    people, campaign, now = planning
    expected = _expected(people, campaign, now)
    starts_at = campaign.starts_at(now)
    if isinstance(expected, int):
        with pytest.raises(InfeasibleError, match=rf"^{expected:,} of "):
            compute_plan(_contacts(people), campaign, _brief(starts_at))
        return
    slots, excluded = expected
    computed = compute_plan(_contacts(people), campaign, _brief(starts_at))
    rows = computed.rows.collect()
    assert set(computed.excluded["contact_id"]) == set(excluded)
    columns = (
        "contact_id",
        "timezone",
        "timezone_source",
        "scheduled_at",
        "not_after",
        "call_date",
        "slot_index",
    )
    assert rows.select(columns).rows() == [tuple(getattr(slot, name) for name in columns) for slot in slots]
    if campaign.phone_rotation_strategy != "random":
        assert rows["from_number"].to_list() == [slot.from_number for slot in slots]


@seed(SEED)
@settings(max_examples=share(4))
@given(planning=plannings())
@counted
def test_every_check_holds_for_every_plan(planning, tmp_path_factory):
    people, campaign, now = planning
    expected = _expected(people, campaign, now)
    assume(not isinstance(expected, int) and expected[0])
    brief = _brief(campaign.starts_at(now))
    contacts = _contacts(people)
    file = tmp_path_factory.mktemp("plan") / "plan.parquet"
    compute_plan(contacts, campaign, brief).rows.sink_parquet(file)
    expected_rows = judged_contacts(contacts, campaign, brief).collect()
    checks = check_plan(PlanUnderTest(file, campaign, brief, expected_rows))
    assert [(check.rule, check.examples) for check in checks if check.broken] == []
