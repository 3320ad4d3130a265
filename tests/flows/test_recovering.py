"""A lost ledger comes back from plans, journal and lists, and nobody is called twice for it."""

from datetime import timedelta

import polars as pl
import pytest

from flows import campaigns, publishing, recovering, scheduling
from flows.applying import OutdatedLedgerError
from flows.archiving import archive_closed_days
from flows.campaigns import create_campaign
from flows.database import BusyError, DatabaseFile, locked
from flows.errors import WorkError
from flows.journal import CHANGES, Journal
from flows.ledger import Ledger
from flows.owners import Owner
from flows.recovering import recover
from tests.people import campaign, contacts
from tests.world import DAY, START, Chosen, World

pytestmark = pytest.mark.scenario

HOUR = timedelta(hours=1)


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
    row = world.recovered()
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
    world.recovered()
    assert world.calls["state"].to_list() == ["in_progress"]
    world.run(START + HOUR)
    assert world.calls.height == 1
    assert world.calls["finished_at"].null_count() == 0


def test_a_running_dispatcher_is_not_robbed_of_its_ledger(home):
    world = World(home, contacts(1))
    with Owner(home.owners, world.ledger, world.clock), pytest.raises(WorkError, match="is running"):
        recover(home, world.clock.now())


def test_two_recover_one_after_the_other(home):
    world = World(home, contacts(1))
    with locked(home.path / "recovering.lock"), pytest.raises(BusyError, match="recovering"):
        recover(home, world.clock.now())
    assert not home.ledger.exists()
    assert recover(home, world.clock.now()).campaigns == 1
    again = recover(home, world.clock.now() + HOUR)
    assert again.campaigns == 1
    assert again.set_aside.is_file()


def test_a_cancelled_campaign_stays_cancelled_through_a_recovery(home):
    world = World(home, contacts(4))
    world.run(START + HOUR)
    world.cancel()
    assert world.recovered()["state"] == "cancelled"
    world.run(START + DAY)
    assert world.calls["contact_id"].to_list() == ["c0"]


def test_a_recovered_skip_of_somebody_no_longer_planned_completes_nothing_early(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    world.skip("c0", "c1")
    assert world.update(end_time="15:00").written.rows == 4
    assert world.recovered()["skipped_count"] == 0
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == ["c2", "c3", "c4", "c5"]
    assert world.state == "completed"


def test_a_call_made_just_before_a_recovery_does_not_leave_its_slot_on_the_stage(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "completed"), max_calls_per_day=1)
    world.run(START + timedelta(minutes=2))
    assert world.calls["contact_id"].to_list() == ["c0"]
    world.recovered()
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
    world.recovered()
    world.run(START + 2 * DAY + 2 * HOUR)
    archive_closed_days(home, world.ledger, world.clock.now())
    assert before
    assert {file: file.read_bytes() for file in before} == before
    assert world.calls["contact_id"].to_list() == made
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.state == "completed"
    assert sorted(world.calls["contact_id"]) == [f"c{number}" for number in range(9)]


def test_what_the_journal_was_not_told_of_before_a_recovery_it_is_told_of_after(home, monkeypatch):
    world = World(home, contacts(6), max_calls_per_day=2)
    older = world.older_copy()
    with monkeypatch.context() as killed:
        for module in (publishing, scheduling):
            killed.setattr(module, "tell_soon", lambda *_: None)
        world.update(agent_id="newer")
        world.load(contacts(8), "more.csv")
        world.schedule()
    world.recovered()
    assert world.stored.settings.agent_id == "newer"
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner).tick()
    world.ledger = older
    with pytest.raises(OutdatedLedgerError):
        world.run(START + HOUR)


def _completes(*_):
    return "completed"


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_journal_that_lacks_what_the_ledger_has_seen_recovers_nothing(home, is_gone):
    world = World(home, contacts(3), dialer=Chosen(_completes))
    world.run(START + 4 * HOUR)
    world.older_copy().close()  # the present ledger, in a file
    for file in home.path.glob("older.duckdb*"):
        file.rename(home.path / file.name.replace("older", "ledger"))
    (journal,) = home.journal.glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:1]))  # the plan is told there
    if is_gone:
        journal.unlink()
    before = home.ledger.read_bytes()
    with pytest.raises(
        WorkError, match=r"but the ledger has applied entry \d+: such calls would be made again"
    ):
        recover(home, world.clock.now())
    assert home.ledger.read_bytes() == before


def test_a_journal_that_lacks_calls_of_days_that_are_over_recovers_nothing(home):
    world = World(home, contacts(6), dialer=Chosen(_completes), max_calls_per_day=2)
    world.run(START + 2 * DAY + 5 * HOUR)
    (journal,) = home.journal.glob("*.jsonl")
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:1]))
    with pytest.raises(WorkError, match=f"lacks calls that {home.past / world.campaign_id} has"):
        recover(home, world.clock.now())


@pytest.mark.parametrize("is_begun_anew", [False, True])
def test_a_journal_without_a_plan_beside_plans_recovers_nothing(home, is_begun_anew):
    world = World(home, contacts(1))
    (journal,) = home.journal.glob("*.jsonl")
    journal.unlink()
    if is_begun_anew:
        with Journal(home.journal).writing() as page:
            page.add("change", pl.DataFrame([("a draft", 0, None, "{}", None)], schema=CHANGES, orient="row"))
    with pytest.raises(WorkError, match=f"no plan, but there is {home.plans / world.campaign_id}"):
        recover(home, world.clock.now())


def test_a_plan_that_the_journal_was_not_told_of_comes_back(home, monkeypatch):
    world = World(home, contacts(2))
    monkeypatch.setattr(publishing, "tell_soon", lambda *_: None)
    untold = world.add_campaign()
    world.recovered()
    assert world.stored_of(untold).state == "paused"


def test_calls_come_back_on_the_dates_of_the_clock_that_the_campaign_has_now(home):
    world = World(home, contacts(12), dialer=Chosen(_completes), max_calls_per_day=4)
    world.run(START + 4 * HOUR)
    world.update(timezone="Asia/Tokyo")
    before = world.calls.select("contact_id", "call_date")
    world.recovered()
    assert world.calls.select("contact_id", "call_date").equals(before)
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.update(end_time="16:00")
    world.run(START + 20 * DAY)
    dates = world.calls["noted_at"].dt.convert_time_zone("Asia/Tokyo").dt.date()
    assert dates.value_counts()["count"].max() <= 4
    assert world.state == "completed"


def test_a_campaign_that_is_over_stays_over_through_a_recovery(home):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 60 * 24}}
    ends_at = (START + 10 * HOUR).isoformat()
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "busy"), retry=retry, ends_at=ends_at)
    world.run(START + 4 * DAY)  # the further attempts find no room and lapse
    assert world.state == "completed"
    assert world.recovered()["state"] == "completed"


def test_a_campaign_that_has_failed_stays_failed_through_a_recovery(home):
    world = World(home, contacts(2))
    campaigns.fail(world.ledger, world.campaign_id, "its list is damaged", world.clock.now())
    world.run(START + HOUR)
    assert world.recovered()["state"] == "failed"


@pytest.mark.parametrize("is_told", [True, False])
def test_late_contacts_bring_a_campaign_that_was_over_back_through_a_recovery(home, monkeypatch, is_told):
    world = World(home, contacts(2), dialer=Chosen(_completes))
    world.run(START + 2 * DAY)
    assert world.state == "completed"
    if not is_told:
        monkeypatch.setattr(publishing, "tell_soon", lambda *_: None)
    world.load(contacts(3), "more.csv")
    world.schedule()
    assert world.recovered()["state"] == "paused"
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c1", "c2"]


def test_a_recovered_campaign_keeps_its_dialer(home, monkeypatch):
    world = World(home, contacts(2))
    monkeypatch.setenv("CALLPLAN_DIALER", "simulated")
    of_environment = create_campaign(world.ledger, campaign(name="D", dialer=None), world.clock.now())
    scheduling.schedule(home, world.ledger, of_environment, world.clock.now())
    monkeypatch.setenv("CALLPLAN_DIALER", "truedy")
    monkeypatch.setenv("TRUEDY_BASE_URL", "https://example.org")
    monkeypatch.setenv("TRUEDY_API_KEY", "key")
    world.recovered()
    assert world.stored_of(of_environment).dialer == "simulated"


def test_who_begins_to_dispatch_during_a_recovery_keeps_its_ledger(home, monkeypatch):
    world = World(home, contacts(3))
    world.recovered()
    world.ledger.close()
    replace, begun = DatabaseFile.replace_with, []
    its_ledger = home.path / "the same"

    def begins_before(*args):
        begun.append(Owner(home.owners, Ledger(home.ledger), world.clock))
        its_ledger.hardlink_to(home.ledger)
        return replace(*args)

    monkeypatch.setattr(recovering.DatabaseFile, "replace_with", begins_before)
    with pytest.raises(WorkError, match="is running"):
        recover(home, world.clock.now() + HOUR)
    assert home.ledger.samefile(its_ledger)
    begun[0].let_go()
    assert not list(home.path.glob("ledger-recovered*"))


@pytest.mark.parametrize("is_told", [True, False])
def test_what_somebody_changes_during_a_recovery_is_not_lost(home, monkeypatch, is_told):
    world = World(home, contacts(3))
    world.recovered()
    world.ledger.close()
    replace = DatabaseFile.replace_with

    def changes_before(*args):
        scheduling.update(
            home,
            Ledger(home.ledger),
            world.campaign_id,
            {"agent_id": "newer", "end_time": "15:00"},
            world.clock.now(),
        )
        return replace(*args)

    with monkeypatch.context() as meanwhile:
        if not is_told:
            for module in (publishing, scheduling):
                meanwhile.setattr(module, "tell_soon", lambda *_: None)
        meanwhile.setattr(recovering.DatabaseFile, "replace_with", changes_before)
        with pytest.raises(WorkError, match="something was changed while"):
            recover(home, world.clock.now() + HOUR)
    recover(home, world.clock.now() + HOUR)
    world.ledger = Ledger(home.ledger, keep_open=True)
    assert world.stored.settings.agent_id == "newer"
    assert world.versions.height == 2


def _as_of_an_older_callplan(home):
    """Write the journal anew as a callplan did that told of no change, and not what plan a skip met."""
    entries = Journal(home.journal).entries_after(0)
    for file in home.journal.glob("*.jsonl"):
        file.unlink()
    with Journal(home.journal).writing() as page:
        for entry in entries:
            if entry.kind == "skip":
                page.add("skip", entry.rows.with_columns(plan_version=pl.lit(None, pl.Int32)))
            elif entry.kind != "change":
                page.add(entry.kind, entry.rows)


def test_a_journal_of_an_older_callplan_brings_skips_and_late_contacts_back(home):
    world = World(home, contacts(3), dialer=Chosen(_completes), max_calls_per_day=1)
    world.skip("c1")
    world.load(contacts(4), "more.csv")
    world.schedule()
    world.run(START + HOUR)
    _as_of_an_older_callplan(home)
    world.recovered()
    assert world.versions.height == 2
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert sorted(world.calls["contact_id"]) == ["c0", "c2", "c3"]
    assert world.state == "completed"


def test_an_edit_leaves_it_said_why_a_campaign_is_paused(home):
    world = World(home, contacts(3))
    world.recovered()
    world.update(end_time="16:00")
    row = world.read("list_campaigns")
    assert row.select("state", "reason").row(0) == ("paused", "its ledger was recovered")


def test_two_recoveries_in_a_second_set_both_ledgers_aside(home):
    world = World(home, contacts(1))
    world.ledger.close()
    for step in range(3):
        recover(home, world.clock.now() + step * timedelta(milliseconds=1))
    assert len(list(home.path.glob("ledger.before-*.duckdb"))) == 2
