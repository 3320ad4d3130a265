"""A lost ledger comes back from plans, journal and lists, and nobody is called twice for it."""

from datetime import timedelta

import polars as pl
import pytest

from flows import campaigns
from flows.errors import WorkError
from flows.ledger import Ledger
from flows.owners import Owner
from flows.recovering import recover
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

HOUR = timedelta(hours=1)


def _recovered(world):
    """Recover the world's ledger, which is in memory, into a file, and go on with that."""
    recover(world.home, world.clock.now())
    world.ledger = Ledger(world.home.ledger, keep_open=True)
    (row,) = world.read("list_campaigns", now=world.clock.now(), late_limit=campaigns.LATE_LIMIT).to_dicts()
    return row


def test_calls_versions_skips_and_retries_come_back_and_the_campaign_goes_on(home):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 30}}
    dialer = Chosen(lambda contact, _: "busy" if contact in ("c0", "c1") else "completed")
    world = World(home, contacts(12), dialer=dialer, max_calls_per_day=6, retry=retry)
    world.run(START + 4 * HOUR)
    world.skip("c5", "c11")
    world.load(contacts(14), "more.csv")
    world.schedule()
    world.run(START + 5 * HOUR)
    before, waiting, skips = (
        world.calls,
        world.waiting,
        world.read("list_skips", campaign_id=world.campaign_id),
    )
    row = _recovered(world)
    assert (row["state"], row["reason"]) == ("paused", "its ledger was recovered")
    same = ["contact_id", "attempt", "state", "scheduled_at", "noted_at", "finished_at", "plan_version"]
    assert world.calls.select(same).equals(before.select(same))
    slots = ["contact_id", "attempt", "scheduled_at"]
    assert world.waiting.select(slots).equals(waiting.select(slots))
    recovered = world.read("list_skips", campaign_id=world.campaign_id)
    assert set(recovered["contact_id"]) == set(skips["contact_id"]) == {"c5", "c11"}
    assert campaigns.resume(world.ledger, world.campaign_id, world.clock.now()) == "active"
    world.run(START + 20 * DAY)
    assert world.state == "completed"
    made = world.calls.select("contact_id", "attempt")
    assert not made.is_duplicated().any()
    expected = {(f"c{number}", 1) for number in range(14) if number not in (5, 11)} | {("c0", 2), ("c1", 2)}
    assert set(made.rows()) == expected


def test_what_was_in_flight_is_asked_about_again_and_not_dialled(home):
    world = World(home, contacts(2), max_call_minutes=5)
    world.run(START + timedelta(seconds=1))
    assert world.calls["state"].to_list() == ["in_progress"]
    _recovered(world)
    assert world.calls["state"].to_list() == ["in_progress"]
    world.run(START + HOUR)
    assert world.calls.height == 1
    assert world.calls["finished_at"].null_count() == 0


def test_a_running_dispatcher_is_not_robbed_of_its_ledger(home):
    world = World(home, contacts(1))
    with Owner(home.owners, world.ledger, world.clock), pytest.raises(WorkError, match="is running"):
        recover(home, world.clock.now())


def test_an_older_copy_of_the_ledger_catches_up_from_the_journal(home):
    world = World(home, contacts(4))
    older = Ledger(home.path / "older.duckdb", keep_open=True)
    with world.ledger.session() as session, older.session() as copy:
        campaign, version = (
            session.read("copy_campaign"),
            session.read("copy_plan_version").drop("is_current"),
        )
        copy._connection.register("was_campaign", campaign.to_arrow())
        copy._connection.register("was_version", version.to_arrow())
        copy._connection.execute("insert into campaign by name select * from was_campaign")
        copy._connection.execute("insert into plan_version by name select * from was_version")
    world.run(START + 4 * HOUR)
    made = world.calls
    world.ledger = older
    world.run(START + DAY)
    assert world.calls.filter(pl.col("contact_id").is_in(made["contact_id"].implode())).height == made.height
    assert sorted(world.calls["contact_id"]) == ["c0", "c1", "c2", "c3"]
    assert world.state == "completed"
