"""Where campaigns stand, and why nothing is delivered, as ``status`` tells it."""

import shutil
from datetime import timedelta

import polars as pl
import pytest

from flows import database, pausing
from flows.asking import ask
from flows.campaigns import resume
from flows.contact_store import current_snapshot
from flows.dialers import unready_dialers
from flows.errors import WorkError
from flows.ledger import Ledger
from flows.owners import Owner, remove_files
from flows.staging import STAGE_AHEAD
from flows.standing import calls_of, due_calls, reasons, standing, why_not_planned
from tests.faults.stated import stated
from tests.people import contacts
from tests.world import DAY, START, World

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def test_calls_of_a_dispatcher_of_which_nothing_is_left_are_told_in_status(home):
    world = World(home, contacts(2))
    owner = Owner(home.owners, world.ledger, world.clock)
    world.clock.wait_until(START)
    world.claim(owner)
    owner.let_go()
    remove_files(home.owners, owner.owner_id)
    found = standing(home, world.ledger, START)
    row = found.campaigns.row(0, named=True)
    (told,) = [reason for reason in reasons(row, found, START) if owner.owner_id[:8] in reason]
    assert "callplan recover" in told
    world.recovered()
    assert standing(home, world.ledger, START).lost == []


def test_a_log_of_the_ledger_that_cannot_be_taken_in_is_told_in_status(home, monkeypatch):
    monkeypatch.setattr(database, "_LOG_BYTES", 0)
    world = World(home, contacts(2))
    world.recovered()
    world.ledger.close()
    ledger = Ledger(home.ledger)
    in_the_way = home.ledger.with_name(f"{home.ledger.name}.next.part")
    in_the_way.mkdir()
    resume(ledger, world.campaign_id, world.clock.now())
    found = standing(home, ledger, START)
    (row,) = found.campaigns.to_dicts()
    (told,) = [reason for reason in reasons(row, found, START) if str(in_the_way) in reason]
    assert "slows every tick" in told
    in_the_way.rmdir()
    assert standing(home, ledger, START).untaken is None


def _given_up(home):
    """Return a world of four in which the first, whose list was loaded again, cannot be called any more."""
    world = World(home, contacts(4), contact_timezone="contact")
    world.load(contacts(4, ["Nowhere/Atall", None, None, None]), "again.csv")
    world.run(START + timedelta(minutes=30))
    return world


@pytest.mark.parametrize("missed", [False, True])
def test_while_the_plans_are_away_nobody_is_called_and_no_campaign_fails(home, missed):
    world = World(home, contacts(2))
    away = home.plans.rename(home.path / "away")
    world.clock.wait_until(START + DAY if missed else START)
    with pytest.raises(WorkError, match="the plans of all campaigns are gone, so nobody is called"):
        world.run(START + 2 * DAY)
    found = standing(home, world.ledger, world.clock.now())
    assert (
        "the plans of all campaigns are gone" in reasons(found.campaigns.row(0, named=True), found, START)[0]
    )
    if home.plans.exists():
        shutil.rmtree(home.plans)
    away.rename(home.plans)
    world.run(START + 9 * DAY)
    assert world.state == "completed"
    assert world.calls.height == 2


def test_of_a_campaign_that_lost_its_plan_the_calls_made_are_listed(home):
    world = World(home, contacts(3))
    world.add_campaign(name="Other")  # whose plan is there
    world.run(START + MINUTE)
    world.file(1).rename(home.path / "away.parquet")
    world.run(START + DAY)
    assert world.state == "failed"
    listed = calls_of(home, world.ledger, world.stored).collect()
    assert listed.select("contact_id", "state").rows() == [("c0", "completed")]
    assert why_not_planned(home, world.ledger, world.stored, "c2") == "not called: the campaign has failed"


def test_a_planned_call_is_listed_with_the_number_that_would_be_dialled(home):
    world = World(home, contacts(2))
    world.run(START + MINUTE)
    renumbered = contacts(2).with_columns(phone=pl.format("+1212555020{}", pl.int_range(pl.len())))
    dialled = world.calls["phone"][0]
    world.load(renumbered, "again.csv")
    listed = calls_of(home, world.ledger, world.stored).collect()
    assert listed["phone"].to_list() == [dialled, "+12125550201"]
    current_snapshot(home, "people").unlink()
    listed = calls_of(home, world.ledger, world.stored).collect()
    assert listed["phone"].to_list() == [dialled, contacts(2).collect()["phone"][1]]


def test_slots_that_are_planned_anew_are_not_told_to_be_held(home):
    world = World(home, contacts(3), end_time="10:03")
    world.clock.wait_until(START + 3 * MINUTE)  # the window is closed
    world.run(START + 3 * MINUTE + SECOND)  # and every slot is planned anew, on the next day
    world.recovered()  # which stages the first version again
    resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(world.clock.now() + SECOND)
    assert set(world.held()) == {"it waits for another slot"}
    found = standing(home, world.ledger, world.clock.now())
    assert (found.held.height, found.campaigns["held_count"].to_list()) == (0, [0])
    with world.ledger.session() as session:
        assert due_calls(session, world.clock.now()).is_empty()


def test_a_due_call_whose_dialer_is_not_set_up_is_held_for_that(home, monkeypatch):
    for name in ("TRUEDY_BASE_URL", "TRUEDY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    world = World(home, contacts(1))
    truedy = world.add_campaign(name="Truedy", dialer="truedy")
    world.clock.wait_until(START)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner, dialers={"another": world.dialer}).tick()
    with world.ledger.session() as session:
        due = due_calls(session, START, unready_dialers())
    assert dict(due.select("campaign_id", "held_because").iter_rows()) == {
        world.campaign_id: None,
        truedy: "its dialer truedy is not set up in this environment",
    }


def test_whose_slot_has_passed_is_told_to_wait_for_another(home):
    world = World(home, contacts(2))
    world.clock.wait_until(START + DAY)
    world.recovered()
    assert calls_of(home, world.ledger, world.stored).collect().is_empty()
    told = [why_not_planned(home, world.ledger, world.stored, contact) for contact in ("c0", "c1")]
    assert told == ["not planned: its slot has passed, and it waits for another"] * 2


def test_who_was_given_up_is_planned_no_more_and_a_skip_of_theirs_stands_for_nobody(home):
    world = _given_up(home)
    assert world.waiting["contact_id"].to_list() == ["c1", "c2", "c3"]
    assert ask(home, world.ledger, "select contact_id from plan order by 1").rows() == [
        ("c1",),
        ("c2",),
        ("c3",),
    ]
    assert "Nowhere/Atall" in why_not_planned(home, world.ledger, world.stored, "c0")
    world.skip("c0")
    world.run(START + 10 * DAY)
    assert world.calls["contact_id"].to_list() == ["c1", "c2", "c3"]
    assert world.state == "completed"


def test_who_was_given_up_by_a_version_of_an_older_ledger_is_planned_no_more(home):
    world = _given_up(home)
    versions = world.read("list_current_versions", campaign_id=world.campaign_id)
    assert versions["excluded_count"].to_list() == [0, 1]
    not_noted = ("excluded_count", "null::bigint as excluded_count")
    with stated({"ledger/list_current_versions": not_noted})():
        assert set(world.waiting["contact_id"]) == {"c1", "c2", "c3"}
        assert "Nowhere/Atall" in why_not_planned(home, world.ledger, world.stored, "c0")


def test_a_recovered_ledger_does_not_wait_for_who_was_given_up(home):
    world = _given_up(home)
    assert world.recovered()["contact_count"] == 3


def test_calls_that_went_back_lately_are_told_in_status_with_the_reason(home):
    world = World(home, contacts(2))
    world.clock.wait_until(START)
    owner = Owner(home.owners, world.ledger, world.clock)
    world.claim(owner)
    owner.let_go()
    world.run(START + timedelta(minutes=2))
    now = START + timedelta(minutes=3)
    found = standing(home, world.ledger, now)
    row = found.campaigns.row(0, named=True)
    went_back = "1 calls went back to their slots in the last five minutes: its dispatcher failed before"
    assert any(reason.startswith(went_back) for reason in reasons(row, found, now))
    later = standing(home, world.ledger, now + timedelta(minutes=5))
    assert not any("went back" in reason for reason in reasons(row, later, now))


def test_who_is_skipped_after_a_slot_was_missed_is_listed_once(home):
    world = World(home, contacts(10), max_calls_per_day=3)
    world.run(START + HOUR)
    world.pause()
    world.clock.wait_until(START + 5 * HOUR)
    resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 5 * HOUR + timedelta(minutes=6))
    (contact, *_) = world.read("list_pending", campaign_id=world.campaign_id)["contact_id"]
    world.skip(contact)
    listed = calls_of(home, world.ledger, world.stored).collect()
    assert listed.filter(contact_id=contact)["state"].to_list() == ["skipped"]
    assert listed.select("contact_id", "attempt").is_unique().all()


def _overdue(world, now):
    """Return what ``status`` tells of what the living dispatchers do not look after."""
    found = standing(world.home, world.ledger, now)
    row = found.campaigns.row(by_predicate=pl.col("campaign_id") == world.campaign_id, named=True)
    return [why for why in reasons(row, found, now) if "has only just begun" in why]


def test_what_no_dispatcher_can_place_is_told_in_status_once_it_is_overdue(home):
    world = World(home, contacts(200), end_time="10:30", max_concurrent_calls=100)
    other = world.add_campaign(name="Other", end_time="10:30")
    pausing.skip(home, world.ledger, world.campaign_id, pl.Series(["c1"]), "no", world.clock.now())
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.clock.wait_until(START)
        world.dispatcher(owner, dialers={"truedy": world.dialer}).tick()  # not the one of the campaign
        assert _overdue(world, START + MINUTE) == []  # its beginning is an event of just then
        now = START + 3 * MINUTE
        (why,) = _overdue(world, now)
        overdue = sum(START + place * 9 * SECOND < now - MINUTE for place in range(200)) - 1  # c1 is skipped
        assert why.startswith(f"{overdue} calls have been due for more than a minute")
        assert f"dispatcher {owner.owner_id[:8]}" in why
        assert "no access to simulated" in why
        pausing.pause(home, world.ledger, other, now - SECOND)
        assert _overdue(world, now) == [why]
        world.pause()
        resume(world.ledger, world.campaign_id, now)
        assert _overdue(world, now + MINUTE) == []  # whoever claims has not had the time
        assert len(_overdue(world, now + MINUTE + SECOND)) == 1
        world.clock.wait_until(now + MINUTE)
        world.dispatcher(owner).tick()
        assert _overdue(world, now + 2 * MINUTE) == []


def test_a_dispatcher_that_stages_nothing_any_more_is_told_in_status(home):
    world = World(home, contacts(200))
    with Owner(home.owners, world.ledger, world.clock) as owner:
        assert _overdue(world, START) == []
        (why,) = _overdue(world, START + MINUTE + SECOND)
        assert why.startswith("nobody has looked for its slots after 2026-03-23 10:00-0400")
        world.clock.wait_until(START)
        world.dispatcher(owner, dialers={"truedy": world.dialer}).tick()
        assert not any("looked for" in why for why in _overdue(world, START + STAGE_AHEAD))
        told = _overdue(world, START + STAGE_AHEAD + 2 * MINUTE)
        assert any("looked for its slots after 2026-03-23 10:30" in why for why in told)
