"""A campaign that changes while it is called: retries, late contacts, missed slots, edits."""

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from flows import campaigns, publishing
from flows.committing import OutdatedError, fates
from flows.database import locked
from flows.errors import InputError, WorkError
from flows.owners import Owner
from flows.replaying import verify
from flows.scheduling import CHANGE_LASTS
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RETRY = {"max_attempts": 3, "delay_minutes": {"busy": 30, "no_answer": 90}}


def _counts(world):
    return world.calls.group_by("attempt").len().sort("attempt").rows()


def _proven(world):
    """Whether every version of the campaign holds every rule and is computed to the same bytes again."""
    found = [verify(world.home.plans / name, None, world.home) for name in world.versions["file"]]
    return all(verdict.holds and verdict.replayed for verdict in found)


def test_a_busy_contact_is_tried_again_after_its_delay_and_no_more_often_than_allowed(home):
    dialer = Chosen(lambda contact, _: "busy" if contact == "c1" else "completed")
    world = World(home, contacts(4), dialer=dialer, retry=RETRY)
    tally = world.run(START + 2 * DAY)
    assert _counts(world) == [(1, 4), (2, 1), (3, 1)]
    assert tally.plans[world.campaign_id].written.file == world.home.plans / world.versions["file"].last()
    attempts = world.calls.filter(pl.col("contact_id") == "c1").sort("attempt")
    waits = (attempts["noted_at"].tail(-1) - attempts["finished_at"].head(-1)).to_list()
    assert all(wait >= 30 * MINUTE for wait in waits)
    assert (attempts["noted_at"] < attempts["not_after"]).all()
    assert world.state == "completed"
    assert _proven(world)


class Absurd(Chosen):
    """A dialer whose provider says that its calls have ended long before they began."""

    def ended(self, calls, now):
        return super().ended(calls, now).with_columns(reported_at=pl.lit(datetime(1970, 1, 1, tzinfo=UTC)))


def test_the_delay_of_a_further_attempt_counts_from_the_dial_where_the_outcome_is_said_to_be_earlier(home):
    world = World(home, contacts(2), dialer=Absurd(lambda *_: "busy"), retry=RETRY | {"max_attempts": 2})
    world.run(START + 2 * DAY)
    calls = world.calls.sort("contact_id", "attempt")
    dialled = calls.partition_by("contact_id", maintain_order=True)
    assert all(rows["noted_at"][1] - rows["noted_at"][0] >= 30 * MINUTE for rows in dialled)
    assert (calls["finished_at"] >= calls["noted_at"]).all()


def test_an_outcome_that_is_not_named_is_not_tried_again(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "voicemail"), retry=RETRY)
    world.run(START + 2 * DAY)
    assert _counts(world) == [(1, 2)]
    assert world.state == "completed"


def test_retries_count_against_the_caps_of_their_date(home):
    world = World(home, contacts(3), dialer=Chosen(lambda *_: "no_answer"), retry=RETRY, max_calls_per_day=2)
    world.run(START + 20 * DAY)
    assert _counts(world) == [(1, 3), (2, 3), (3, 3)]
    assert world.calls.group_by("call_date").len()["len"].max() == 2
    assert world.calls["scheduled_at"].n_unique() == 9
    assert world.state == "completed"
    assert _proven(world)


def test_a_retry_that_finds_no_room_before_the_end_is_not_made(home):
    world = World(
        home,
        contacts(2),
        dialer=Chosen(lambda *_: "busy"),
        retry=RETRY,
        ends_at="2026-03-23T10:40:00",
    )
    world.run(START + 2 * DAY)
    assert _counts(world)[0] == (1, 2)
    assert world.state == "completed"
    lapsed = world.read("copy_event").filter(pl.col("to_state") == "lapsed")
    assert lapsed["reason"].unique().to_list() == ["no date has room for a further attempt"]
    assert set(lapsed["contact_id"]) == {"c0", "c1"}


def test_nobody_who_is_skipped_is_tried_again(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "busy"), retry=RETRY)
    world.run(START + 10 * MINUTE)
    world.skip("c0")
    world.run(START + 2 * DAY)
    assert world.calls.filter(pl.col("contact_id") == "c0").height == 1
    assert world.calls.filter(pl.col("contact_id") == "c1").height == 3
    assert world.state == "completed"


def test_an_outage_of_a_week_is_caught_up_inside_the_windows_and_without_a_burst(home):
    world = World(home, contacts(7), max_calls_per_day=3)
    world.run(START + HOUR)
    made = world.calls.height
    world.clock.wait_until(START + 9 * DAY)
    world.run(START + 20 * DAY)
    calls = world.calls
    assert calls["contact_id"].n_unique() == calls.height == 7
    assert made < 3
    assert calls.group_by("call_date").len()["len"].max() == 3
    late = calls.filter(pl.col("noted_at") >= START + 9 * DAY)
    assert (late["noted_at"] < late["not_after"]).all()
    assert (late.sort("noted_at")["noted_at"].diff().drop_nulls() > 10 * MINUTE).all()
    assert world.state == "completed"
    assert _proven(world)


def test_a_missed_slot_without_room_before_the_end_is_told_and_called_after_an_edit(home):
    world = World(home, contacts(3), ends_at="2026-03-23T17:00:00")
    world.clock.wait_until(START + 12 * HOUR)  # past the end, and nobody was called
    world.run(START + 13 * HOUR)
    assert world.calls.is_empty()
    (row,) = world.read("list_campaigns", now=world.clock.now(), late_limit=campaigns.LATE_LIMIT).to_dicts()
    assert row["hindrance"] == "3 contacts missed their slot and no date has room for them"
    assert world.state == "active"
    edit = world.update(ends_at="2026-03-25T17:00:00")
    assert edit.written.rows == 3
    world.run(START + 3 * DAY)
    assert world.calls.height == 3
    assert world.state == "completed"


def test_contacts_that_come_later_join_at_the_end_and_nobody_moves(home):
    world = World(home, contacts(5), max_calls_per_day=2)
    before = world.waiting
    world.load(contacts(8), "more.csv")
    world.clock.wait_until(START - 30 * MINUTE)
    written = world.schedule()
    assert written.rows == 3
    after = world.waiting
    assert after.filter(pl.col("contact_id").is_in(before["contact_id"].implode())).equals(before)
    # 2 + 2 + 1 were planned: one place was left on the third date.
    assert after.group_by("call_date").len().sort("call_date")["len"].to_list() == [2, 2, 2, 2]
    per_date = after.sort("call_date", "slot_index").group_by("call_date", maintain_order=True)
    assert per_date.agg("slot_index")["slot_index"].to_list() == [[0, 1]] * 4
    assert world.state == "scheduled"
    world.run(START + 9 * DAY)
    assert world.calls["contact_id"].n_unique() == world.calls.height == 8
    assert world.state == "completed"
    assert _proven(world)


def test_a_completed_campaign_is_reopened_by_new_contacts(home):
    world = World(home, contacts(2))
    world.run(START + DAY)
    assert world.state == "completed"
    with pytest.raises(InputError, match="no contact has come to its list since"):
        world.schedule()
    world.load(contacts(3), "more.csv")
    world.schedule()
    assert world.state == "active"
    world.run(START + 3 * DAY)
    assert world.calls.height == 3
    assert world.state == "completed"


def test_an_edit_spreads_everyone_not_started_again_and_leaves_started_calls(home):
    world = World(home, contacts(6), max_calls_per_day=3)
    world.run(START + 3 * HOUR)
    started = world.calls
    assert 0 < started.height < 3
    edit = world.update(max_calls_per_day="4", end_time="16:00")
    assert edit.fields == ["end_time", "max_calls_per_day"]
    assert world.calls.select(started.columns).equals(started)
    waiting = world.waiting
    assert edit.written.rows == waiting.height == 6 - started.height
    assert waiting.group_by("call_date").len().sort("call_date")["len"].to_list() == [4 - started.height, 2]
    assert waiting["slot_index"][0] == started["slot_index"].max() + 1
    assert edit.difference.moved + edit.difference.unchanged == waiting.height
    assert (edit.difference.added, edit.difference.dropped) == (0, 0)
    world.run(START + 5 * DAY)
    assert world.calls["contact_id"].n_unique() == world.calls.height == 6
    assert world.state == "completed"
    assert _proven(world)


def test_a_dry_run_stores_nothing(home):
    world = World(home, contacts(12), max_calls_per_day=6)
    before, files = world.waiting, sorted(home.plans.rglob("*"))
    edit = world.update(max_calls_per_day="3", dry_run=True)
    assert edit.difference.moved == 12 - 1  # only the very first call stays where it is
    assert edit.difference.finish_after > edit.difference.finish_before
    assert world.waiting.equals(before)
    assert sorted(home.plans.rglob("*")) == files
    assert world.versions.height == 1


def test_with_keep_only_what_the_settings_make_impossible_moves(home):
    world = World(home, contacts(6), max_calls_per_day=6)
    before = world.waiting
    edit = world.update(end_time="15:00", keep=True)  # the slot at 15:50 is no longer possible
    after = world.waiting
    moved = before.join(after, on=["contact_id", "attempt"], suffix="_after").filter(
        pl.col("scheduled_at") != pl.col("scheduled_at_after")
    )
    assert edit.difference.moved == moved.height == 1
    assert (after["not_after"] - after["scheduled_at"]).min() > timedelta(0)
    assert after["not_after"].dt.convert_time_zone("America/New_York").dt.hour().max() == 15
    world.run(START + 9 * DAY)
    assert world.calls.height == 6
    assert _proven(world)


def test_with_keep_a_lower_cap_moves_the_last_in_the_list(home):
    world = World(home, contacts(12), max_calls_per_day=6)
    edit = world.update(max_calls_per_day="4", keep=True)
    assert edit.difference.moved == 4
    assert edit.difference.unchanged == 8
    per_date = world.waiting.group_by("call_date").len().sort("call_date")["len"].to_list()
    assert per_date == [4, 4, 4]
    kept = world.waiting.filter(pl.col("call_date") == date(2026, 3, 23))
    assert set(kept["contact_id"]) == {"c0", "c1", "c2", "c3"}
    assert _proven(world)


def test_an_edit_of_the_zone_puts_started_calls_on_the_dates_of_the_new_clock(home):
    world = World(home, contacts(8), max_calls_per_day=4, end_time="24:00", working_days=[*range(1, 8)])
    world.run(START + 11 * HOUR)  # two or more calls made, at 10:00 and 13:30 … of New York
    started = world.calls.height
    world.update(timezone="Asia/Tokyo")
    dates = world.calls["call_date"].unique().sort().to_list()
    assert dates == [date(2026, 3, 23), date(2026, 3, 24)]
    world.run(START + 9 * DAY)
    assert started < 8 == world.calls.height
    assert world.calls.group_by("call_date").len()["len"].max() <= 4
    assert _proven(world)


def test_a_retry_that_waits_survives_an_edit_and_keeps_its_number_of_attempt(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "busy"), retry=RETRY, max_calls_per_day=2)
    world.run(START + 45 * MINUTE)  # c0 was busy and has a slot for its second attempt, on the next day
    assert world.waiting.filter(pl.col("attempt") == 2).height == 1
    world.update(end_time="15:00")
    assert world.waiting.filter(pl.col("attempt") == 2).height == 1
    world.run(START + 3 * DAY)
    assert _counts(world) == [(1, 2), (2, 2), (3, 2)]
    assert world.state == "completed"
    assert _proven(world)


def test_fewer_attempts_by_an_edit_drop_the_further_ones(home):
    world = World(home, contacts(3), dialer=Chosen(lambda *_: "busy"), retry=RETRY, max_calls_per_day=3)
    world.run(START + 45 * MINUTE)
    world.update(retry={})
    world.run(START + 3 * DAY)
    assert _counts(world) == [(1, 3)]
    assert world.state == "completed"


def test_nothing_is_claimed_while_the_plan_is_being_changed(home):
    world = World(home, contacts(3))
    with world.ledger.session() as session:
        session.write(
            "begin_change",
            campaign_id=world.campaign_id,
            change_id="editor",
            now=START - MINUTE,
            changing_until=START - MINUTE + CHANGE_LASTS,
        )
    world.clock.wait_until(START - 30 * timedelta(seconds=1))
    with pytest.raises(WorkError, match="somebody else is changing"):
        world.update(end_time="15:00")
    world.run(START + MINUTE)
    assert world.calls.is_empty()
    assert world.held() == ["the plan is being changed"]
    world.run(START + 4 * MINUTE)  # the editor died, and its hold lapsed before the slot was missed
    assert world.calls.height == 1


def test_a_publication_that_another_overtook_is_computed_again(home, monkeypatch):
    world = World(home, contacts(4))
    overtaken = []

    def skip_meanwhile(*arguments, **options):
        if not overtaken:
            overtaken.append(world.skip("c3"))
        return fates(*arguments, **options)

    monkeypatch.setattr(publishing, "fates", skip_meanwhile)
    edit = world.update(end_time="15:00")
    assert edit.written.rows == 3
    assert world.versions["plan_version"].to_list() == [1, 2]
    assert sorted(path.name for path in (home.plans / world.campaign_id / "orphans").iterdir()) == [
        "000002.parquet"
    ]
    world.run(START + 2 * DAY)
    assert world.calls.height == 3
    assert world.state == "completed"


@pytest.mark.parametrize("publish", [World.schedule, lambda world: world.update(end_time="15:00")])
def test_settings_that_change_while_a_version_is_computed_stay_changed(home, monkeypatch, publish):
    world = World(home, contacts(4))
    world.load(contacts(6), "more.csv")
    changed = []

    def change_meanwhile(*arguments, **options):
        if not changed:
            changed.append(world.update(max_concurrent_calls=1, agent_id="another"))
        return fates(*arguments, **options)

    monkeypatch.setattr(publishing, "fates", change_meanwhile)
    publish(world)
    settings = world.stored.settings
    assert (settings.max_concurrent_calls, settings.agent_id) == (1, "another")
    assert world.versions.height == 2


def test_missed_slots_are_not_looked_after_while_somebody_publishes(home):
    world = World(home, contacts(4))
    world.run(START + MINUTE)
    world.clock.wait_until(START + DAY)  # an outage
    due = START + DAY + MINUTE
    with locked(home.plans / world.campaign_id / ".publishing.lock"):
        world.run(due)
        assert world.versions.height == 1
    world.run(due + 5 * MINUTE)
    assert world.versions.height == 2


class Later(Executor):
    """Does what it is given when it is told to."""

    def __init__(self):
        self.given = []

    def submit(self, fn, /, *args):
        future = Future()
        self.given.append((future, fn, args))
        return future

    def do(self):
        for future, fn, args in self.given:
            future.set_result(fn(*args))
        self.given.clear()


def test_calls_fall_due_and_are_placed_while_new_slots_are_still_looked_for(home):
    world = World(home, contacts(4))
    slots, later = world.waiting["scheduled_at"], Later()
    world.clock.wait_until(slots[0] + HOUR)  # the first slot is missed
    with Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner, beside=later)
        for slot in slots[1:]:
            world.clock.wait_until(slot)
            dispatcher.tick()
            assert len(later.given) == 1
        assert world.calls["contact_id"].to_list() == ["c1", "c2", "c3"]
        assert world.versions.height == 1
        later.do()
        dispatcher.tick()
        assert (dispatcher.tally.replanned, world.versions.height) == (1, 2)
    world.run(START + 2 * DAY)
    assert sorted(world.calls["contact_id"]) == ["c0", "c1", "c2", "c3"]


@pytest.mark.parametrize("stop", [World.pause, World.cancel])
def test_nothing_is_published_of_a_campaign_that_was_stopped_while_it_waited_to_be_looked_after(home, stop):
    world = World(home, contacts(4))
    slots, later = world.waiting["scheduled_at"], Later()
    world.clock.wait_until(slots[0] + HOUR)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner, beside=later)
        dispatcher.tick()
        stop(world)
        later.do()
        dispatcher.tick()
    assert (dispatcher.tally.replanned, dispatcher.tally.errors, world.versions.height) == (0, [], 1)


def test_a_dispatcher_that_leaves_waits_for_the_slots_that_are_looked_for(home):
    world = World(home, contacts(4))
    world.clock.wait_until(world.waiting["scheduled_at"][0] + HOUR)
    with ThreadPoolExecutor(1) as beside, Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner, beside=beside)
        tally = dispatcher.run(world.clock.now() + timedelta(microseconds=1))
    assert (tally.ticks, tally.replanned, world.versions.height) == (1, 1, 2)


def test_a_publication_that_is_overtaken_for_ever_gives_up_and_changes_nothing(home, monkeypatch):
    world = World(home, contacts(4))

    def outdated(*_, **__):
        raise OutdatedError("another version was published meanwhile")

    monkeypatch.setattr(publishing, "commit", outdated)
    with pytest.raises(WorkError, match="another version"):
        world.update(end_time="15:00")
    monkeypatch.undo()
    assert world.versions.height == 1
    world.run(START + 2 * DAY)
    assert world.calls.height == 4


def test_a_paused_campaign_stays_paused_through_an_edit(home):
    world = World(home, contacts(4))
    world.run(START + 10 * MINUTE)
    world.pause()
    world.update(end_time="15:00")
    assert world.state == "paused"


def test_settings_that_do_not_touch_the_plan_change_without_a_version(home):
    world = World(home, contacts(4))
    edit = world.update(max_concurrent_calls="3", name="Others")
    assert (edit.fields, edit.written) == (["name", "max_concurrent_calls"], None)
    assert world.versions.height == 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"end_time": "08:00"}, "end_time: must be after start_time"),
        ({"max_call_per_day": "3"}, "max_call_per_day: "),
        ({"dialer": "truedy"}, "dialer: stays as it is once"),
        ({"contact_list": "others"}, "contact_list: stays as it is once"),
        ({"phone_numbers": []}, "phone_numbers: is required"),
        ({"ends_at": "2026-03-23T11:00:00"}, "contacts do not fit"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(home, changes, problem):
    world = World(home, contacts(8), max_calls_per_day=4)
    before = world.waiting
    with pytest.raises((InputError, WorkError), match=problem):
        world.update(**changes)
    assert world.waiting.equals(before)
    assert world.versions.height == 1
    assert world.state == "scheduled"
