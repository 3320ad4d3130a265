"""A ledger that was copied some time ago and put back: it catches up from the journal, or refuses."""

import re
from datetime import date, timedelta

import polars as pl
import pytest

from flows import campaigns, outbox, pausing, scheduling
from flows.abandoned import take_over
from flows.applying import OutdatedLedgerError
from flows.journal import DamagedJournalError, Journal, Writer
from flows.owners import Owner, remove_files
from flows.pausing import UnacknowledgedError
from flows.standing import standing
from tests.people import campaign, contacts
from tests.world import DAY, START, Chosen, World

pytestmark = pytest.mark.scenario

HOUR = timedelta(hours=1)
UPGRADED = "update campaign set told_version = 0, settings_told = null"
"""What bringing a ledger up to date leaves of it."""


def test_an_older_copy_of_the_ledger_catches_up_from_the_journal(home):
    world = World(home, contacts(4))
    older = world.older_copy()
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
    older = world.older_copy()
    world.run(START + HOUR)
    made = world.calls["contact_id"].to_list()
    stop(world)
    world.ledger = older
    world.run(START + DAY)
    assert world.state == state
    assert world.calls["contact_id"].to_list() == made == ["c0"]


def test_a_skip_of_somebody_not_planned_that_an_older_copy_takes_up_completes_nothing_early(home):
    world = World(home, contacts(4), max_calls_per_day=2)
    older = world.older_copy()
    world.load(contacts(6), "more.csv")
    world.skip("c4", "c5")
    world.ledger = older
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c1", "c2", "c3"]
    assert world.state == "completed"


def test_a_planned_contact_whose_skip_an_older_copy_takes_up_counts_as_done(home):
    world = World(home, contacts(4), max_calls_per_day=2)
    older = world.older_copy()
    world.skip("c1", "c3")
    world.ledger = older
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c2"]
    assert world.state == "completed"


def test_an_older_copy_that_does_not_know_the_version_of_a_call_is_not_dispatched(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    older = world.older_copy()
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
    assert world.recovered()["state"] == "paused"
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.state == "completed"
    assert world.calls.height == 6
    assert date(2026, 3, 24) not in world.calls["call_date"].to_list()


def test_an_older_copy_that_does_not_know_the_version_of_a_skip_is_not_dispatched(home):
    world = World(home, contacts(4), max_calls_per_day=2)
    older = world.older_copy()
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
    older = world.older_copy()
    publish(world)
    world.ledger = older
    with pytest.raises(OutdatedLedgerError, match=r"000002\.parquet"):
        world.run(START + 20 * DAY)
    assert world.calls.is_empty()
    world.recovered()
    assert world.versions["plan_version"].to_list() == [1, 2]


def test_a_pause_in_an_older_copy_that_cannot_go_on_says_that_it_is_stored(home):
    world = World(home, contacts(2))
    older = world.older_copy()
    world.update(end_time="15:00")
    world.ledger = older
    with pytest.raises(UnacknowledgedError, match=r"the change is stored, .*000002\.parquet"):
        world.pause()
    assert world.state == "paused"


def _agent_of(world):
    return world.stored.settings.agent_id


def test_an_older_copy_and_a_recovered_ledger_learn_settings_that_changed_without_a_version(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    older = world.older_copy()
    world.update(agent_id="first")
    world.update(agent_id="second", max_concurrent_calls=1)
    world.ledger = older
    world.run(START + HOUR)
    assert (_agent_of(world), world.stored.settings.max_concurrent_calls) == ("second", 1)
    world.update(agent_id="third")
    world.recovered()
    assert _agent_of(world) == "third"
    world.update(agent_id="fourth", end_time="15:00")
    world.update(agent_id="fifth")
    world.load(contacts(8), "more.csv")
    world.schedule()  # its file has the settings, too, but says nothing of when they changed
    world.recovered()
    assert _agent_of(world) == "fifth"


def test_what_the_journal_could_not_be_told_the_next_dispatcher_tells_it(home, monkeypatch):
    world = World(home, contacts(6), max_calls_per_day=2)
    world.update(agent_id="told")
    older, said = world.older_copy(), []
    with monkeypatch.context() as context:
        context.setattr(Writer, "add", _full)
        changes = {"agent_id": "untold"}
        scheduling.update(
            home, world.ledger, world.campaign_id, changes, world.clock.now(), progress=said.append
        )
    assert said[-1].startswith("the dial journal could not be told of the change yet: [Errno 28]")
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner).tick()
    assert _agent_of(world) == "untold"  # it reads what the journal was told before in the same tick
    world.ledger = older
    world.run(START + HOUR)
    assert _agent_of(world) == "untold"


def _full(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("edit", [{"name": "Another"}, {"end_time": "15:00"}])
def test_an_edit_in_an_older_copy_comes_on_top_of_what_the_journal_knows(home, edit):
    world = World(home, contacts(6), max_calls_per_day=2)
    older = world.older_copy()
    world.update(agent_id="newer")
    world.ledger = older
    world.update(**edit)
    world.run(START + HOUR)
    assert _agent_of(world) == "newer"
    assert world.recovered()["name"] == edit.get("name", "Renewals")
    assert _agent_of(world) == "newer"


def test_a_copy_of_before_the_journal_was_told_of_settings_learns_them(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    world.ledger._kept.execute(UPGRADED)
    older = world.older_copy()
    world.update(agent_id="newer")
    world.ledger = older
    world.run(START + HOUR)
    assert _agent_of(world) == "newer"


def test_a_journal_that_lost_the_entry_of_an_edit_is_refused(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    world.run(START - HOUR / 2)
    world.update(blackout_dates=["2026-03-23"])
    (file,) = home.journal.glob("*.jsonl")
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(DamagedJournalError, match="but the ledger has applied entry"):
        world.run(START + HOUR)


def test_many_campaigns_are_told_in_several_entries(home, monkeypatch):
    monkeypatch.setattr(outbox, "_AT_ONCE", 1)
    world = World(home, contacts(2))
    world.add_campaign()
    world.ledger._kept.execute(UPGRADED)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner).tick()
    changes = [entry for entry in Journal(home.journal).entries_after(0) if entry.kind == "change"]
    assert [entry.rows["settings"].null_count() for entry in changes] == [0] * 4
    assert world.read("list_untold").is_empty()


@pytest.mark.parametrize("by_whom", ["a pause", "another dispatcher"])
def test_a_claim_that_was_put_back_goes_back_in_an_older_copy_whose_owner_is_forgotten(home, by_whom):
    world = World(home, contacts(2))
    owner = Owner(home.owners, world.ledger, world.clock)
    world.clock.wait_until(START)
    world.claim(owner)
    older = world.older_copy()
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


def test_nobody_whose_skip_an_older_copy_takes_up_waits_for_another_attempt(home):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 30}}
    busy = Chosen(lambda contact, _: "busy" if contact == "c0" else "completed")
    world = World(home, contacts(3), dialer=busy, retry=retry)
    world.run(START + timedelta(minutes=10))
    older = world.older_copy()
    world.skip("c0")
    world.ledger = older
    world.run(START + DAY)
    assert world.calls.select("contact_id", "attempt").rows() == [("c0", 1), ("c1", 1), ("c2", 1)]
    assert world.state == "completed"


def test_an_older_copy_learns_whom_somebody_took_out_of_a_draft_and_how_it_was_changed(home):
    world = World(home, contacts(2))
    now = world.clock.now()
    draft = campaigns.create_campaign(world.ledger, campaign(name="D", scheduled_at=START.isoformat()), now)
    older = world.older_copy()
    pausing.skip(home, world.ledger, draft, pl.Series(["c0"]), "asked us", now)
    scheduling.update(home, world.ledger, draft, {"blackout_dates": ["2026-03-23"]}, now)
    world.ledger = older
    scheduling.schedule(home, world.ledger, draft, now)
    world.run(START + 3 * DAY)
    (call,) = world.calls_of(draft).to_dicts()
    assert (call["contact_id"], call["noted_at"].date()) == ("c1", date(2026, 3, 24))
    assert world.stored_of(draft).state == "completed"


def test_an_older_copy_learns_that_its_campaign_has_failed(home):
    world = World(home, contacts(2))
    older = world.older_copy()
    campaigns.fail(world.ledger, world.campaign_id, "its list is damaged", world.clock.now())
    world.run(START)
    world.ledger = older
    world.run(START + DAY)
    assert world.state == "failed"
    assert world.calls.is_empty()


def test_an_older_copy_that_completes_its_campaign_does_not_tell_its_settings_over_newer_ones(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "completed"), max_calls_per_day=1)
    world.run(START + HOUR)
    older = world.older_copy()
    world.update(agent_id="newer")
    world.ledger = older
    world.skip("c1")  # which completes it
    assert world.state == "completed"
    world.run(START + 2 * HOUR)
    assert world.stored.settings.agent_id == "newer"
