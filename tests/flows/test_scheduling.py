"""A campaign that people change while it is called: late contacts and edits."""

from datetime import date, timedelta
from threading import Thread

import polars as pl
import pytest

from flows import publishing, scheduling
from flows.committing import OutdatedError, fates
from flows.errors import InputError, WorkError
from flows.scheduling import CHANGE_LASTS
from tests.people import contacts
from tests.world import DAY, START, Chosen, World, proven

pytestmark = pytest.mark.scenario

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


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
    assert proven(world)


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


def test_settings_at_their_limits_are_kept_planned_and_called_by(home):
    world = World(
        home,
        contacts(3),
        Chosen(lambda *_: "completed"),
        max_calls_per_day=10**9,
        max_calls_per_number_per_day=10**9,
        max_concurrent_calls=1000,
        calls_per_second=1000,
        max_call_minutes=366 * 24 * 60,
        retry={"max_attempts": 10, "delay_minutes": {"busy": 366 * 24 * 60}},
        blackout_dates=["0001-01-01", "9999-12-31"],
        ends_at="9899-12-31T23:59",
        seed=2**63 - 1,
    )
    world.run(START + DAY)
    assert world.state == "completed"
    assert world.calls["contact_id"].n_unique() == world.calls.height == 3


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
    assert proven(world)


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
    assert proven(world)


def test_with_keep_a_lower_cap_moves_the_last_in_the_list(home):
    world = World(home, contacts(12), max_calls_per_day=6)
    edit = world.update(max_calls_per_day="4", keep=True)
    assert edit.difference.moved == 4
    assert edit.difference.unchanged == 8
    per_date = world.waiting.group_by("call_date").len().sort("call_date")["len"].to_list()
    assert per_date == [4, 4, 4]
    kept = world.waiting.filter(pl.col("call_date") == date(2026, 3, 23))
    assert set(kept["contact_id"]) == {"c0", "c1", "c2", "c3"}
    assert proven(world)


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
    assert proven(world)


def test_an_edit_of_the_zone_leaves_a_start_that_is_past_where_it_was(home):
    local = "2026-03-23T10:00"
    world = World(home, contacts(20), max_calls_per_day=7, first_day_cap="prorated", scheduled_at=local)
    world.run(START + DAY + 3 * HOUR)
    world.update(timezone="America/Detroit")
    assert world.stored.starts_at == START
    assert world.waiting["call_date"].value_counts().sort("call_date")["count"].to_list() == [4, 6]


def test_an_edit_of_the_zone_moves_a_local_start_that_is_ahead(home):
    world = World(home, contacts(2), scheduled_at="2026-03-23T10:00")
    world.update(timezone="America/Los_Angeles")
    assert world.stored.starts_at == START + 3 * HOUR


def test_an_edit_that_is_stored_but_cannot_be_compared_says_so(home, monkeypatch):
    world = World(home, contacts(2))

    def refused(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scheduling, "compare", refused)
    with pytest.raises(WorkError, match=r"the change is stored, as .*000002\.parquet; only comparing it"):
        world.update(end_time="15:00")
    assert world.versions.height == 2


def _begin_change(world, now):
    of = {"campaign_id": world.campaign_id, "change_id": "editor"}
    with world.ledger.session() as session:
        session.write("begin_change", **of, now=now, changing_until=now + CHANGE_LASTS)


def test_nothing_is_claimed_while_the_plan_is_being_changed(home):
    world = World(home, contacts(3))
    _begin_change(world, START - MINUTE)
    world.clock.wait_until(START - 30 * timedelta(seconds=1))
    with pytest.raises(WorkError, match="somebody else is changing"):
        world.update(end_time="15:00")
    world.run(START + MINUTE)
    assert world.calls.is_empty()
    assert world.held() == ["the plan is being changed"]
    world.run(START + 4 * MINUTE)  # the editor died, and its hold lapsed before the slot was missed
    assert world.calls.height == 1


def test_a_change_begun_while_another_waited_for_its_turn_is_not_taken_from_it(home):
    world = World(home, contacts(3))
    _begin_change(world, world.clock.now() + 2 * MINUTE)
    with pytest.raises(WorkError, match="somebody else is changing"):
        world.update(end_time="15:00")


def test_a_change_begun_by_a_clock_that_was_ahead_holds_nobody_up(home):
    world = World(home, contacts(3))
    _begin_change(world, START + DAY)
    world.run(START + MINUTE)
    assert world.calls.height == 1
    assert world.update(end_time="15:00").written.rows == 2


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


def test_edits_at_the_same_time_keep_each_others_settings(home, monkeypatch):
    world = World(home, contacts(3))
    changed, others = scheduling._changed, []

    def changed_beside_another(stored, changes):
        if not others:
            others.append(Thread(target=world.update, kwargs={"max_call_minutes": 7}))
            others[0].start()
            others[0].join(1)  # it waits for this edit, or it is done by then
        return changed(stored, changes)

    monkeypatch.setattr(scheduling, "_changed", changed_beside_another)
    world.update(max_concurrent_calls=2)
    others[0].join()
    settings = world.stored.settings
    assert (settings.max_concurrent_calls, settings.max_call_minutes) == (2, 7)


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
    world.run(START + MINUTE)
    assert world.calls["contact_id"].to_list() == ["c0"]


def test_the_dialer_that_the_environment_named_is_kept_by_an_edit_that_names_none(home, monkeypatch):
    world = World(home, contacts(2))
    monkeypatch.setenv("CALLPLAN_DIALER", "simulated")
    named = world.add_campaign(dialer=None)
    monkeypatch.delenv("CALLPLAN_DIALER")
    edit = scheduling.update(home, world.ledger, named, {"dialer": None, "agent_id": "b"}, world.clock.now())
    assert edit.fields == ["agent_id"]
    assert (world.stored_of(named).dialer, world.stored_of(named).settings.dialer) == ("simulated",) * 2
