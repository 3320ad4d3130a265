"""What a dispatcher makes of lists that are loaded again while it calls, and of files that are damaged."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from flows import dispatcher
from flows.abandoned import take_over
from flows.campaigns import resume
from flows.contact_store import SourceFile, current_snapshot, open_contacts
from flows.database import locked
from flows.journal import Journal
from flows.owners import Owner
from tests.people import contacts
from tests.world import DAY, START, Chosen, World
from transforms.schemas import REJECTS
from transforms.wall_clock import to_local

pytestmark = pytest.mark.scenario

MINUTE = timedelta(minutes=1)


def test_new_data_of_a_contact_reaches_the_calls_not_yet_started(home):
    world = World(home, contacts(2))
    changed = contacts(2).with_columns(phone=pl.format("+1646555019{}", pl.int_range(2))).collect()
    with open_contacts(home) as store:
        store.add("people", SourceFile("b.csv", "1", "{}"), changed, REJECTS.to_frame(), START)
        store.publish_snapshot("people")
    world.run(START + DAY)
    assert world.calls["phone"].to_list() == ["+16465550190", "+16465550191"]


def test_new_data_reaches_slots_that_were_staged_before(home):
    world = World(home, contacts(2), end_time="10:20")
    world.run(START)
    assert world.read("list_staged")["last_at"].to_list() == [START + timedelta(minutes=10)]
    corrected = pl.format("+1646555019{}", pl.int_range(2))
    world.load(contacts(2).with_columns(phone=corrected), "b.csv")
    world.run(START + DAY)
    assert world.calls["phone"].to_list() == ["+16465550190", "+16465550191"]


def test_a_contact_whose_number_moves_to_another_zone_after_it_was_staged_is_called_by_its_clock(home):
    world = World(home, contacts(2), contact_timezone="phone")
    world.run(START)
    honolulu = pl.when(pl.col("contact_id") == "c0").then(pl.lit("+18085550190")).otherwise("phone")
    world.load(contacts(2).with_columns(phone=honolulu), "b.csv")
    world.run(START + 3 * DAY)
    calls = {row["contact_id"]: row for row in world.calls.to_dicts()}
    assert (calls["c0"]["phone"], calls["c0"]["timezone"]) == ("+18085550190", "Pacific/Honolulu")
    assert 10 <= to_local("Pacific/Honolulu", calls["c0"]["noted_at"]).hour < 17
    assert world.state == "completed"


def test_a_claim_that_goes_back_after_its_list_was_loaded_again_is_called_on_the_new_number(home):
    world = World(home, contacts(1))
    world.clock.wait_until(START)
    owner = Owner(home.owners, world.ledger, world.clock)
    world.claim(owner)
    world.load(contacts(1).with_columns(phone=pl.lit("+16465550190")), "b.csv")
    owner.let_go()
    world.run(START + DAY)
    assert world.calls["phone"].to_list() == ["+16465550190"]


def test_a_claim_that_went_back_is_held_until_its_contact_is_read_again(home):
    world = World(home, contacts(1))
    world.clock.wait_until(START)
    owner = Owner(home.owners, world.ledger, world.clock)
    world.claim(owner)
    owner.let_go()
    take_over(home.owners, world.ledger, Journal(home.journal), "another", START)
    assert world.held() == ["its contact's data is about to be read again"]
    world.run(START + timedelta(minutes=1))
    assert world.calls["contact_id"].to_list() == ["c0"]


def test_a_contact_whose_zone_changed_is_held_and_then_called_by_its_new_clock(home):
    world = World(home, contacts(2), contact_timezone="contact")
    moved = contacts(2, ["Asia/Tokyo", None]).collect()
    with open_contacts(home) as store:
        store.add("people", SourceFile("b.csv", "1", "{}"), moved, REJECTS.to_frame(), START)
        store.publish_snapshot("people")
    with locked(home.plans / world.campaign_id / ".publishing.lock"):  # nobody can plan it anew
        world.run(START + timedelta(minutes=4))
    assert world.held() == ["the contact has another time zone than it was planned for"]
    world.run(START + 3 * DAY)
    calls = {row["contact_id"]: row for row in world.calls.to_dicts()}
    assert calls["c0"]["timezone"] == "Asia/Tokyo"
    assert 10 <= to_local("Asia/Tokyo", calls["c0"]["noted_at"]).hour < 17
    assert world.state == "completed"


def test_a_contact_whose_zone_is_corrected_does_not_wait_for_the_slot_of_the_old_one(home):
    people = ["America/Los_Angeles"]
    world = World(home, contacts(5, people), contact_timezone="contact", ends_at="2026-03-23T18:00")
    first_at = world.waiting["scheduled_at"].min()
    world.run(first_at - timedelta(minutes=10))
    world.load(contacts(5, ["America/New_York"]), "corrected.csv")
    world.run(START + 10 * timedelta(hours=1))
    assert world.calls["noted_at"].min() < first_at
    assert world.calls["timezone"].unique().to_list() == ["America/New_York"]
    assert sorted(world.calls["contact_id"]) == [f"c{number}" for number in range(5)]
    assert world.state == "completed"


def test_a_contact_whose_zone_is_unknown_for_a_while_keeps_its_slot(home):
    zones = ["America/New_York"]
    world = World(home, contacts(6, zones), contact_timezone="contact", ends_at="2026-03-23T18:00")
    world.run(START - 20 * MINUTE)
    world.load(contacts(6, ["Mars/Phobos"]), "wrong.csv")
    world.run(START - 15 * MINUTE)
    world.load(contacts(6, zones), "right.csv")
    world.run(START + DAY)
    assert sorted(world.calls["contact_id"]) == [f"c{number}" for number in range(6)]
    assert world.versions.height == 1


def test_a_further_attempt_whose_zone_is_another_for_a_while_keeps_its_slot(home):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 480}}
    world = World(
        home,
        contacts(1, ["America/New_York"]),
        Chosen(lambda _, attempt: "busy" if attempt == 1 else "completed"),
        contact_timezone="contact",
        ends_at="2026-03-24T12:00",
        retry=retry,
    )
    world.run(START + 490 * MINUTE)
    (second_at,) = world.waiting["scheduled_at"]
    world.run(second_at - 20 * MINUTE)
    world.load(contacts(1, ["America/Los_Angeles"]), "wrong.csv")
    world.run(second_at - 15 * MINUTE)
    world.load(contacts(1, ["America/New_York"]), "right.csv")
    world.run(START + 2 * DAY)
    assert world.calls.select("attempt", "state").rows() == [(1, "busy"), (2, "completed")]


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"PAR1" * 9)])
def test_a_lost_or_damaged_plan_fails_the_campaign_and_calls_nobody(home, damage):
    world = World(home, contacts(2))
    damage(home.plans / world.campaign_id / "000001.parquet")
    tally = world.run(START + DAY)
    assert len(tally.errors) == 1
    assert world.state == "failed"
    assert world.calls.is_empty()


def _cut_short(file):
    file.write_bytes(file.read_bytes()[:-40])


def _of_another_schema(file):
    pl.DataFrame({"a": [1]}).write_parquet(file)


def _plan(world):
    return world.file(1)


def _list(world):
    return current_snapshot(world.home, "people")


def _past(world):
    return next((world.home.past / world.campaign_id).glob("*.calls.parquet"))


@pytest.mark.parametrize(
    ("file_of", "damage"),
    [(_plan, Path.unlink), (_plan, _of_another_schema), (_list, _cut_short), (_past, _of_another_schema)],
)
def test_a_file_damaged_while_dispatching_fails_its_campaign_and_the_others_go_on(home, file_of, damage):
    world = World(home, contacts(6), max_calls_per_day=2)
    world.load(contacts(6), "others.csv", "others")
    other = world.add_campaign(max_calls_per_day=2, contact_list="others")
    with Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner)
        dispatcher.run(START + 2 * DAY + timedelta(minutes=30), tick=None)
        file = file_of(world)
        damage(file)
        tally = dispatcher.run(START + 3 * DAY, tick=None)
    assert [str(file) in error for error in tally.errors] == [True]
    assert (world.state, world.state_of(other)) == ("failed", "completed")


@pytest.mark.parametrize("file_of", [_plan, _list, _past])
def test_a_damaged_file_that_planning_anew_reads_fails_its_campaign_and_the_others_go_on(home, file_of):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 48 * 60}}
    world = World(home, contacts(2), Chosen(lambda *_: "busy"), retry=retry)
    world.load(contacts(2), "others.csv", "others")
    other = world.add_campaign(contact_list="others", retry=retry)
    world.run(START + timedelta(hours=45))
    world.run(START + timedelta(hours=45, minutes=1))  # the first day is closed and archived
    file = file_of(world)
    _cut_short(file)
    tally = world.run(START + 4 * DAY)
    assert [str(file) in error for error in tally.errors] == [True]
    assert (world.state, world.state_of(other)) == ("failed", "completed")


def test_a_day_that_cannot_be_archived_is_an_error_of_the_tick_and_the_others_go_on(home):
    world = World(home, contacts(4), max_calls_per_day=1)
    other = world.add_campaign(max_calls_per_day=1)
    (home.past / world.campaign_id).parent.mkdir(exist_ok=True)
    (home.past / world.campaign_id).write_text("in the way")
    tally = world.run(START + 5 * DAY)
    assert tally.errors
    assert all(str(home.past / world.campaign_id) in error for error in tally.errors)
    assert (world.state, world.state_of(other)) == ("completed", "completed")
    assert (home.past / other).is_dir()


def test_nobody_is_called_by_an_old_list_whose_campaign_is_resumed_within_a_tick(home, monkeypatch):
    world = World(home, contacts(12, ["America/New_York"]), contact_timezone="contact", max_calls_per_day=12)
    world.add_campaign(name="Other", max_concurrent_calls=100)  # something is due in that tick
    world.run(START - timedelta(minutes=2))
    world.pause()
    world.load(contacts(12, ["America/Los_Angeles"]), "corrected.csv")
    world.clock.wait_until(START + timedelta(minutes=1))
    archive = dispatcher.archive_closed_days
    resumed = []

    def archive_and_resume(*arguments):
        if not resumed:
            resume(world.ledger, world.campaign_id, world.clock.now())
            resumed.append(world.clock.now())
        return archive(*arguments)

    monkeypatch.setattr(dispatcher, "archive_closed_days", archive_and_resume)
    world.run(START + timedelta(minutes=20))
    assert resumed
    assert world.calls.is_empty()  # it is early in Los Angeles
    world.run(START + timedelta(hours=4))
    assert not world.calls.is_empty()
    assert (world.calls["noted_at"] >= START + timedelta(hours=3)).all()
