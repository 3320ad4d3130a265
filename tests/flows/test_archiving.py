"""Closed days leave the ledger, and nothing that anybody asks changes by it."""

from datetime import timedelta

import polars as pl
import pytest

from flows import archiving
from flows import journal as journals
from flows.archiving import archive_closed_days, archive_journal
from flows.asking import ask
from flows.campaigns import resume
from flows.damage import archived_files
from flows.errors import WorkError
from flows.instants import write_instant
from flows.settling import settle
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

pytestmark = pytest.mark.scenario

HOUR = timedelta(hours=1)


def _in_ledger(world):
    return world.read("copy_call")


def _row(world):
    (row,) = world.read("list_campaigns").to_dicts()
    return row


def test_days_are_closed_also_after_a_clock_that_was_ahead(home):
    world = World(home, contacts(3), max_calls_per_day=1)
    write_instant(home.archived, START + 300 * DAY)
    world.run(START + 2 * DAY + HOUR)
    assert _in_ledger(world).height == 2


def test_a_closed_day_leaves_the_ledger_with_its_events_and_its_counts_stay(home):
    world = World(home, contacts(9), max_calls_per_day=3)
    world.run(START + 2 * DAY + HOUR)
    assert _in_ledger(world)["call_date"].n_unique() == 2  # yesterday and today
    assert world.calls.height == 7
    assert world.read("list_past_days", campaign_id=world.campaign_id, from_date=None).height == 1
    events = world.read("copy_event").drop_nulls("contact_id")
    assert set(events["contact_id"]) == {"c3", "c4", "c5", "c6"}
    row = _row(world)
    assert (row["final_count"], row["waiting_count"]) == (7, 2)
    counted = "select count(*), count(distinct contact_id) from call"
    assert ask(home, world.ledger, counted).rows() == [(7, 7)]
    made = "select count(*) from event where to_state = 'claimed'"
    assert ask(home, world.ledger, made).rows() == [(7,)]
    world.run(START + 10 * DAY)
    assert world.state == "completed"
    assert world.calls["contact_id"].n_unique() == world.calls.height == 9


def test_a_day_whose_writing_was_cut_short_is_written_again_under_its_name(home, monkeypatch):
    world = World(home, contacts(6), max_calls_per_day=2)
    with monkeypatch.context() as context:
        context.setattr(archiving, "write_companion", _killed_while_writing)
        with pytest.raises(KeyboardInterrupt):
            world.run(START + 2 * DAY + HOUR)
    assert not archived_files(home, world.campaign_id)
    world.run(START + 2 * DAY + 2 * HOUR)
    day = START.date()
    files = sorted(file.name for file in (home.past / world.campaign_id).iterdir())
    assert files == [f"{day}-001.calls.parquet", f"{day}-001.events.parquet"]


def _killed_while_writing(rows, file):  # noqa: ARG001
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PAR1")
    raise KeyboardInterrupt


def test_a_file_of_calls_that_an_older_callplan_left_without_its_events_hinders_no_recovery(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    folder = home.past / world.campaign_id
    folder.mkdir(parents=True)
    (folder / f"{START.date()}-001.calls.parquet").write_bytes(b"PAR1")
    world.run(START + 2 * DAY + HOUR)
    assert (folder / f"{START.date()}-002.calls.parquet").exists()
    assert world.recovered()["contact_count"] == 6
    resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 10 * DAY)
    assert sorted(world.calls["contact_id"]) == [f"c{number}" for number in range(6)]


def test_calls_that_only_a_file_of_the_past_knows_forbid_a_recovery_also_where_its_events_are_lost(home):
    world = World(home, contacts(6), max_calls_per_day=2)
    before = sorted((file, file.read_bytes()) for file in home.journal.iterdir())
    world.run(START + 2 * DAY + HOUR)
    for file in home.journal.iterdir():
        file.unlink()
    for file, content in before:
        file.write_bytes(content)
    next((home.past / world.campaign_id).glob("*.events.parquet")).unlink()
    with pytest.raises(WorkError, match="lacks calls"):
        world.recovered()


def test_an_edit_knows_of_closed_days(home):
    world = World(home, contacts(8), max_calls_per_day=2)
    world.run(START + 3 * DAY - HOUR)
    assert world.calls.height == 6
    assert _in_ledger(world).height == 4
    edit = world.update(end_time="15:00")
    assert edit.written.rows == 2
    world.run(START + 10 * DAY)
    assert sorted(world.calls["contact_id"]) == sorted(f"c{number}" for number in range(8))
    assert world.state == "completed"


def test_somebody_skipped_after_their_call_is_past_does_not_count_twice(home):
    world = World(home, contacts(9), max_calls_per_day=3)
    world.skip("c8")
    world.run(START + 2 * DAY + HOUR)
    assert "c0" not in _in_ledger(world)["contact_id"]
    world.skip("c0", "c1")
    assert _row(world)["skipped_count"] == 1
    world.run(START + 2 * DAY + 2 * HOUR)
    assert world.state == "active"
    world.run(START + 10 * DAY)
    assert world.calls["contact_id"].n_unique() == world.calls.height == 8
    assert world.state == "completed"


def test_a_skip_that_only_the_journal_knows_when_its_day_is_archived_does_not_count_twice(home):
    world = World(home, contacts(6), max_calls_per_day=3)
    world.run(START + 8 * HOUR)
    skip = {
        "campaign_id": world.campaign_id,
        "contact_id": "c0",
        "reason": "asked us to",
        "skipped_at": world.clock.now(),
        "plan_version": 1,
    }
    with journals.Journal(home.journal).writing() as page:  # and then its process was killed
        page.add("skip", pl.DataFrame([skip], schema=journals.SKIPS))
    assert archive_closed_days(home, world.ledger, world.clock.now() + 2 * DAY) == []
    assert _in_ledger(world).is_empty()
    assert _row(world)["skipped_count"] == 0
    world.run(START + 10 * DAY)
    assert sorted(world.calls["contact_id"]) == [f"c{number}" for number in range(6)]


def test_a_retry_of_a_call_that_is_past_is_made_once(home):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 60 * 60}}
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "busy"), retry=retry)
    world.run(START + 10 * DAY)
    assert world.calls.group_by("attempt").len().sort("attempt").rows() == [(1, 2), (2, 2)]
    assert world.state == "completed"


class Silent(Chosen):
    """A dialer that never tells how one contact's call ended."""

    def ended(self, calls, now):
        return super().ended(calls, now).filter(pl.col("contact_id") != "c0")


def test_what_is_unknown_for_good_stays_until_somebody_says_how_it_ended(home):
    world = World(
        home, contacts(9), dialer=Silent(lambda *_: "completed"), max_calls_per_day=3, max_call_minutes=30
    )
    world.run(START + 2 * DAY + HOUR)
    assert set(_in_ledger(world).filter(pl.col("state") == "unknown")["contact_id"]) == {"c0"}
    assert "c1" not in _in_ledger(world)["contact_id"]
    assert settle(home, world.ledger, world.campaign_id, "c0", "no_answer", world.clock.now()) == 1
    assert archive_closed_days(home, world.ledger, world.clock.now()) == []
    assert _in_ledger(world).filter(pl.col("contact_id") == "c0").is_empty()
    calls = dict(world.calls.select("contact_id", "state").rows())
    assert calls["c0"] == "no_answer"
    world.run(START + 10 * DAY)
    assert world.state == "completed"


def test_a_full_file_of_the_journal_stays_while_one_of_its_calls_is_open(home, monkeypatch):
    monkeypatch.setattr(journals, "MOST_FILE_BYTES", 100)  # a limit, made small: every entry has a file
    world = World(home, contacts(6), dialer=Silent(lambda *_: "completed"), max_call_minutes=30)
    journal = journals.Journal(home.journal)
    world.run(START + HOUR / 3)
    assert archive_journal(world.ledger, journal) == 1  # the plan; the first call is the silent one
    world.run(START + 10 * DAY)
    assert world.state == "completed"
    kept = len(list(home.journal.glob("*.jsonl")))
    assert archive_journal(world.ledger, journal) == kept - 1
    assert len(list(home.journal.glob("*.jsonl"))) == 1


def test_a_day_that_another_zone_makes_today_again_still_counts_against_its_caps(home):
    world = World(home, contacts(5), max_calls_per_day=4, end_time="24:00")
    world.run(START + 14 * HOUR)  # midnight in New York, and 13:00 in Tokyo
    assert archive_closed_days(home, world.ledger, START + 14 * HOUR) == []
    made = world.calls.filter(pl.col("noted_at") >= START + HOUR).height
    world.update(timezone="Asia/Tokyo")  # where these were called today
    world.load(contacts(12), "more.csv")
    world.schedule()
    world.run(START + 10 * DAY)
    assert made == 3
    in_tokyo = world.calls["noted_at"].dt.convert_time_zone("Asia/Tokyo").dt.date()
    assert in_tokyo.value_counts()["count"].max() == 4
    assert world.state == "completed"


def test_two_who_archive_at_once_write_over_nothing_and_lose_nobody(home, monkeypatch):
    mute = Chosen(lambda *_: "completed")
    ended = mute.ended
    mute.ended = lambda calls, now: ended(calls.filter(pl.col("contact_id") != "c1"), now)
    world = World(home, contacts(9), dialer=mute, max_calls_per_day=3, max_call_minutes=10)
    world.run(START + 2 * DAY - HOUR)
    now, free_names, others = START + 2 * DAY + HOUR, archiving._free_names, []

    def meanwhile(*of):
        found = free_names(*of)
        monkeypatch.setattr(archiving, "_free_names", free_names)
        settle(home, world.ledger, world.campaign_id, "c1", "completed", now)
        others.append(archive_closed_days(home, world.ledger, now))
        return found

    monkeypatch.setattr(archiving, "_free_names", meanwhile)
    assert archive_closed_days(home, world.ledger, now) == []
    assert others == [[]]
    assert world.calls["contact_id"].to_list() == [f"c{number}" for number in range(6)]
    world.clock.wait_until(now)
    world.update(end_time="16:00")
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == [f"c{number}" for number in range(9)]


def test_nobody_is_lost_by_skips_of_people_whose_past_call_cannot_be_read(home):
    world = World(home, contacts(9), max_calls_per_day=3)
    world.run(START + 2 * DAY + HOUR)
    for file in (home.past / world.campaign_id).glob("*.calls.parquet"):
        file.unlink()
    world.skip("c0", "c1")
    assert world.state == "active"
