"""A lost ledger comes back from plans, journal and lists, and nobody is called twice for it."""

import re
from datetime import date, timedelta

import polars as pl
import pytest

from flows import campaigns, scheduling
from flows.abandoned import take_over
from flows.applying import OutdatedLedgerError
from flows.archiving import archive_closed_days
from flows.errors import WorkError
from flows.journal import Journal
from flows.ledger import Ledger
from flows.owners import Owner, remove_files
from flows.pausing import UnacknowledgedError
from flows.recovering import recover
from flows.standing import standing
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

HOUR = timedelta(hours=1)


def _recovered(world):
    """Recover the world's ledger into a file, and go on with that."""
    world.ledger.close()
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


def _older_copy(world):
    """Return a ledger that knows what the world's ledger, which is in memory, knows now."""
    file = world.home.path / "older.duckdb"
    Ledger(file)
    connection = world.ledger._kept
    connection.execute(f"attach '{file}' as older")
    tables = "select table_name from duckdb_tables() where database_name = 'memory'"
    for (table,) in connection.execute(tables).fetchall():
        connection.execute(f"delete from older.{table}")
        connection.execute(f"insert into older.{table} by name select * from memory.{table}")
    connection.execute("detach older")
    return Ledger(file, keep_open=True)


def test_an_older_copy_of_the_ledger_catches_up_from_the_journal(home):
    world = World(home, contacts(4))
    older = _older_copy(world)
    world.run(START + 4 * HOUR)
    made = world.calls
    world.ledger = older
    world.run(START + DAY)
    assert world.calls.filter(pl.col("contact_id").is_in(made["contact_id"].implode())).height == made.height
    assert sorted(world.calls["contact_id"]) == ["c0", "c1", "c2", "c3"]
    assert world.state == "completed"


@pytest.mark.parametrize(("stop", "state"), [(World.pause, "paused"), (World.cancel, "cancelled")])
def test_an_older_copy_learns_from_the_journal_that_its_campaign_was_stopped(home, stop, state):
    world = World(home, contacts(4))
    older = _older_copy(world)
    world.run(START + HOUR)
    made = world.calls["contact_id"].to_list()
    stop(world)
    world.ledger = older
    world.run(START + DAY)
    assert world.state == state
    assert world.calls["contact_id"].to_list() == made == ["c0"]


def test_a_cancelled_campaign_stays_cancelled_through_a_recovery(home):
    world = World(home, contacts(4))
    world.run(START + HOUR)
    world.cancel()
    assert _recovered(world)["state"] == "cancelled"
    world.run(START + DAY)
    assert world.calls["contact_id"].to_list() == ["c0"]


def test_a_recovered_skip_of_somebody_no_longer_planned_completes_nothing_early(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    world.skip("c0", "c1")
    assert world.update(end_time="15:00").written.rows == 4
    assert _recovered(world)["skipped_count"] == 0
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == ["c2", "c3", "c4", "c5"]
    assert world.state == "completed"


def test_a_skip_of_somebody_not_planned_that_an_older_copy_takes_up_completes_nothing_early(home):
    world = World(home, contacts(4), max_calls_per_day=2)
    older = _older_copy(world)
    world.load(contacts(6), "more.csv")
    world.skip("c4", "c5")
    world.ledger = older
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c1", "c2", "c3"]
    assert world.state == "completed"


def test_a_planned_contact_whose_skip_an_older_copy_takes_up_counts_as_done(home):
    world = World(home, contacts(4), max_calls_per_day=2)
    older = _older_copy(world)
    world.skip("c1", "c3")
    world.ledger = older
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c2"]
    assert world.state == "completed"


def test_a_call_made_just_before_a_recovery_does_not_leave_its_slot_on_the_stage(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "completed"), max_calls_per_day=1)
    world.run(START + timedelta(minutes=2))
    assert world.calls["contact_id"].to_list() == ["c0"]
    _recovered(world)
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.state == "completed"
    assert world.calls["contact_id"].to_list() == ["c0", "c1"]
    assert world.versions.height == 1


def test_what_was_archived_before_a_recovery_is_not_written_over(home):
    world = World(home, contacts(9), max_calls_per_day=3)
    world.run(START + 2 * DAY + HOUR)
    before = {file: file.read_bytes() for file in home.past.rglob("*.parquet")}
    made = world.calls["contact_id"].to_list()
    _recovered(world)
    world.run(START + 2 * DAY + 2 * HOUR)
    archive_closed_days(home, world.ledger, world.clock.now())
    assert before
    assert {file: file.read_bytes() for file in before} == before
    assert world.calls["contact_id"].to_list() == made
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.state == "completed"
    assert sorted(world.calls["contact_id"]) == [f"c{number}" for number in range(9)]


def test_an_older_copy_that_does_not_know_the_version_of_a_call_is_not_dispatched(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    older = _older_copy(world)
    world.update(blackout_dates=["2026-03-24"])
    world.run(START + 4 * HOUR)
    plan = world.file(2).read_bytes()
    world.ledger = older
    refusal = rf"{world.campaign_id}/000002\.parquet.*callplan recover"
    with pytest.raises(OutdatedLedgerError, match=refusal):
        world.run(START + 20 * DAY)
    with pytest.raises(OutdatedLedgerError, match=refusal):
        world.update(end_time="15:00")
    assert world.file(2).read_bytes() == plan
    assert re.search(refusal, standing(home, older, world.clock.now()).refusal)
    assert _recovered(world)["state"] == "paused"
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.state == "completed"
    assert world.calls.height == 6
    assert date(2026, 3, 24) not in world.calls["call_date"].to_list()


def test_an_older_copy_that_does_not_know_the_version_of_a_skip_is_not_dispatched(home):
    world = World(home, contacts(4), max_calls_per_day=2)
    older = _older_copy(world)
    world.load(contacts(6), "more.csv")
    world.schedule()
    world.skip("c5")
    world.ledger = older
    with pytest.raises(OutdatedLedgerError, match=r"000002\.parquet"):
        world.run(START + 20 * DAY)


@pytest.mark.parametrize(
    "publish", [World.schedule, lambda world: world.update(blackout_dates=["2026-03-23"])]
)
def test_an_older_copy_that_does_not_know_a_version_of_which_nobody_was_called_is_not_dispatched(
    home, publish
):
    world = World(home, contacts(6), max_calls_per_day=2)
    world.load(contacts(8), "more.csv")
    older = _older_copy(world)
    publish(world)
    world.ledger = older
    with pytest.raises(OutdatedLedgerError, match=r"000002\.parquet"):
        world.run(START + 20 * DAY)
    assert world.calls.is_empty()
    _recovered(world)
    assert world.versions["plan_version"].to_list() == [1, 2]


def test_a_pause_in_an_older_copy_that_cannot_go_on_says_that_it_is_stored(home):
    world = World(home, contacts(2))
    older = _older_copy(world)
    world.update(end_time="15:00")
    world.ledger = older
    with pytest.raises(UnacknowledgedError, match=r"the change is stored, .*000002\.parquet"):
        world.pause()
    assert world.state == "paused"


def _agent_of(world):
    return world.stored.settings.agent_id


def test_an_older_copy_and_a_recovered_ledger_learn_settings_that_changed_without_a_version(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    older = _older_copy(world)
    world.update(agent_id="first")
    world.update(agent_id="second", max_concurrent_calls=1)
    world.ledger = older
    world.run(START + HOUR)
    assert (_agent_of(world), world.stored.settings.max_concurrent_calls) == ("second", 1)
    world.update(agent_id="third")
    _recovered(world)
    assert _agent_of(world) == "third"
    world.update(agent_id="fourth", end_time="15:00")
    world.update(agent_id="fifth")
    world.load(contacts(8), "more.csv")
    world.schedule()  # its file has the settings, too, but says nothing of when they changed
    _recovered(world)
    assert _agent_of(world) == "fifth"


def test_what_the_journal_could_not_be_told_the_next_dispatcher_tells_it(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    world.update(agent_id="told")
    older = _older_copy(world)
    lock = home.journal / ".lock"
    lock.unlink()
    lock.mkdir()
    said = []
    scheduling.update(
        home, world.ledger, world.campaign_id, {"agent_id": "untold"}, world.clock.now(), progress=said.append
    )
    lock.rmdir()
    assert "could not be told of the change yet" in said[-1]
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner).tick()
    assert _agent_of(world) == "untold"  # it reads what it was told before in the same tick
    world.ledger = older
    world.run(START + HOUR)
    assert _agent_of(world) == "untold"


@pytest.mark.parametrize("by_whom", ["a pause", "another dispatcher"])
def test_a_claim_that_was_put_back_goes_back_in_an_older_copy_whose_owner_is_forgotten(home, by_whom):
    world = World(home, contacts(2))
    owner = Owner(home.owners, world.ledger, world.clock)
    world.clock.wait_until(START)
    world.claim(owner)
    older = _older_copy(world)
    assert world.calls["state"].to_list() == ["claimed"]
    if by_whom == "a pause":
        world.pause()
        campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    owner.let_go()
    assert take_over(home.owners, world.ledger, Journal(home.journal), "another", START) == (
        by_whom == "another dispatcher"
    )
    remove_files(home.owners, owner.owner_id)
    world.ledger = older
    if by_whom == "a pause":
        world.run(START)
        campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c1"]
    assert world.state == "completed"
