"""Which plans a recovery takes up: those that are whole, and were stored; what it leaves it names."""

import shutil
from datetime import timedelta

import polars as pl
import pytest

from flows import campaigns, publishing, scheduling, surviving
from flows.committing import OutdatedError
from flows.home import Home
from flows.ledger import Ledger
from flows.recovering import recover
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

pytestmark = pytest.mark.scenario

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_a_campaign_whose_plans_are_gone_is_named_and_the_others_come_back(home):
    world = World(home, contacts(2))
    gone = world.add_campaign()
    shutil.rmtree(home.plans / gone)
    said = []
    world.ledger.close()
    assert recover(home, world.clock.now(), said.append).campaigns == 1
    assert f"campaign {gone} does not come back: its plans are gone" in said


def _cut(file):
    file.write_bytes(file.read_bytes()[:100])


def _overwrite(file):
    content = bytearray(file.read_bytes())
    content[50:250] = bytes(200)  # among the rows: what the file says of itself is at its end
    file.write_bytes(content)


def _redirect(file):
    facts = {name: text for name, text in pl.read_parquet_metadata(file).items() if name != "ARROW:schema"}
    pl.read_parquet(file).with_columns(phone=pl.lit("+12125550177")).write_parquet(file, metadata=facts)


def _unlink(file):
    file.unlink()


@pytest.fixture(scope="module")
def world_of_two(tmp_path_factory):
    """A world without its ledger, with calls of two campaigns in its journal; and the one with 3 versions."""
    home = Home(tmp_path_factory.mktemp("two") / "store").make()
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "completed"))
    harmed = world.add_campaign()
    for people in (3, 4):
        world.load(contacts(people), f"{people}.csv")
        scheduling.schedule(home, world.ledger, harmed, world.clock.now())
    world.run(START + 4 * HOUR)
    world.ledger.close()
    return world, harmed


def _is_lost(home, world_of_two, name, harm, why):
    """Whether a recovery without this plan names its campaign and why, and the other comes back."""
    world, harmed = world_of_two
    shutil.copytree(world.home.path, home.path, dirs_exist_ok=True)
    harm(home.plans / harmed / name)
    found = recover(home, world.clock.now())
    with Ledger(home.ledger).session() as session:
        assert session.read("copy_call")["campaign_id"].unique().to_list() == [world.campaign_id]
    assert (found.campaigns, len(found.lost)) == (1, 1)
    assert f"campaign {harmed} does not come back" in found.lost[0]
    return why in found.lost[0]


@pytest.mark.parametrize(
    ("name", "harm", "why"),
    [
        ("000001.parquet", _cut, "its SHA-256 is not the one published"),
        ("000001.parquet", _redirect, "its SHA-256 is not the one published"),
        ("000002.parquet", _redirect, "its SHA-256 is not the one published"),
        ("000003.parquet", _redirect, "its SHA-256 is not the one published"),
        ("000003.parquet", _unlink, "the plan is gone"),
        ("000002.excluded.parquet", _cut, "lost or damaged"),
        ("000002.excluded.parquet", _unlink, "lost or damaged"),
        ("000003.standing.parquet", _cut, "needs 000003.standing.parquet"),
        ("000003.standing.parquet", _unlink, "needs 000003.standing.parquet"),
    ],
)
def test_a_campaign_whose_plan_is_not_whole_is_named_and_the_others_come_back(
    home, world_of_two, name, harm, why
):
    assert _is_lost(home, world_of_two, name, harm, why)


@pytest.mark.parametrize(
    ("name", "harm", "why"),
    [
        ("000001.parquet", _cut, "not a readable Parquet file"),
        ("000001.parquet", _overwrite, "lost or damaged"),
        ("000001.parquet", _unlink, "version 1 of"),
        ("000002.parquet", _unlink, "version 2 of"),
        ("000003.parquet", _unlink, "version 3 of"),
    ],
)
def test_a_plan_of_which_the_journal_was_not_told_what_its_bytes_are_has_to_be_readable(
    home, world_of_two, name, harm, why, monkeypatch
):
    monkeypatch.setattr(surviving, "_published", lambda _: {})  # as an older callplan told it
    assert _is_lost(home, world_of_two, name, harm, why)


@pytest.mark.parametrize(
    ("harm", "why"),
    [(_cut, "is lost or damaged"), (_unlink, "the list that this plan was computed from is gone")],
)
def test_a_campaign_whose_list_is_not_whole_is_named_and_the_others_come_back(home, harm, why):
    world = World(home, contacts(2))
    world.load(contacts(3), "others.csv", "others")
    harmed = world.add_campaign(contact_list="others")
    for file in (home.lists / "others").glob("*.parquet"):
        harm(file)
    world.ledger.close()
    found = recover(home, world.clock.now())
    assert found.campaigns == 1
    assert f"campaign {harmed} does not come back" in found.lost[0]
    assert why in found.lost[0]


def test_a_campaign_of_which_a_day_that_is_over_is_damaged_is_named(home):
    world = World(home, contacts(6), dialer=Chosen(lambda *_: "completed"), max_calls_per_day=2)
    world.run(START + 2 * DAY + 5 * HOUR)
    file = next((home.past / world.campaign_id).glob("*.calls.parquet"))
    _cut(file)
    world.ledger.close()
    assert f"{file}: the file is lost or damaged" in recover(home, world.clock.now()).lost[0]


def test_a_plan_in_the_folder_of_another_campaign_is_not_taken_for_its(home):
    world = World(home, contacts(2))
    shutil.copytree(home.plans / world.campaign_id, home.plans / "a copy")
    world.ledger.close()
    found = recover(home, world.clock.now())
    assert found.campaigns == 1
    assert f"is not where it was published, which is {world.campaign_id}/000001.parquet" in found.lost[0]


def test_a_copy_beside_a_plan_is_not_taken_for_a_version(home):
    world = World(home, contacts(2))
    copied = world.add_campaign()
    for file in list((home.plans / copied).glob("*.parquet")):
        shutil.copy(file, file.with_name(file.name.replace("000001", "000001 (copy)")))
    world.ledger.close()
    found = recover(home, world.clock.now())
    assert found.campaigns == 1
    assert "000001 (copy).parquet: is not where it was published" in found.lost[0]


class Killed(BaseException):
    """The process was killed."""


def _raises(error):
    def raising(*_):
        raise error

    return raising


def test_an_edit_that_was_killed_before_it_was_stored_is_not_recovered_over_a_later_one(home, monkeypatch):
    world = World(home, contacts(3))
    with monkeypatch.context() as dying:
        dying.setattr(publishing, "commit", _raises(Killed()))
        with pytest.raises(Killed):
            world.update(end_time="16:00")
    world.update(agent_id="newer")
    world.recovered()
    assert world.versions.height == 1
    assert world.stored.settings.agent_id == "newer"
    assert [file.name for file in (home.plans / world.campaign_id / "orphans").iterdir()] == [
        "000002.parquet"
    ]


def test_an_edit_to_a_later_start_that_was_not_stored_is_not_recovered_over_calls_made_since(
    home, monkeypatch
):
    world = World(home, contacts(6), max_calls_per_day=3)
    with monkeypatch.context() as dying:
        dying.setattr(publishing, "commit", _raises(Killed()))
        with pytest.raises(Killed):
            world.update(scheduled_at="2026-03-27T10:00:00")
    world.run(START + DAY + 2 * HOUR)
    assert world.calls.height == 4
    assert world.recovered()["contact_count"] == 6
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert sorted(world.calls["contact_id"]) == [f"c{number}" for number in range(6)]
    assert world.state == "completed"


@pytest.mark.parametrize("error", [Killed(), OSError("the disk is full"), OutdatedError("somebody came")])
def test_an_edit_that_was_not_stored_is_not_in_force_after_a_recovery(home, monkeypatch, error):
    world = World(home, contacts(12), dialer=Chosen(lambda *_: "completed"), max_calls_per_day=2)
    world.run(START + HOUR)
    with monkeypatch.context() as failing:
        failing.setattr(publishing, "commit", _raises(error))
        with pytest.raises(type(error)):
            world.update(max_calls_per_day=None)
    world.run(START + DAY + 9 * HOUR)
    before = world.waiting.select("contact_id", "scheduled_at")
    world.recovered()
    assert (world.stored.settings.max_calls_per_day, world.stored.contact_count) == (2, 12)
    assert world.waiting.select("contact_id", "scheduled_at").equals(before)


def test_late_contacts_that_were_not_stored_are_not_called_after_a_recovery(home, monkeypatch):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "completed"))
    world.load(contacts(4), "more.csv")
    with monkeypatch.context() as dying:
        dying.setattr(publishing, "commit", _raises(Killed()))
        with pytest.raises(Killed):
            world.schedule()
    world.run(START + 2 * DAY)
    assert world.recovered()["state"] == "completed"
    world.ledger.close()
    found = recover(home, world.clock.now())
    assert found.left_out == [f"{world.file(2)}: is left out, as it was not stored before calls went on"]


def _adds_late_contacts(world):
    world.load(contacts(7), "more.csv")
    world.schedule()


def _leaves_out_without_zone(world):
    world.update(contact_timezone="contact")


_PUBLISHING_OVER_A_SKIP = pytest.mark.parametrize(
    ("publishes", "out"), [(_adds_late_contacts, "c6"), (_leaves_out_without_zone, "c4")]
)


def _begun_with_somebody_of_no_zone(home):
    people = contacts(6, [None, None, None, None, "Nowhere/Atall", None])
    world = World(home, people, max_calls_per_day=2)
    world.run(START + MINUTE)
    return world


@_PUBLISHING_OVER_A_SKIP
def test_what_was_not_stored_is_not_recovered_over_a_skip(home, monkeypatch, publishes, out):
    world = _begun_with_somebody_of_no_zone(home)
    with monkeypatch.context() as dying:
        dying.setattr(publishing, "commit", _raises(Killed()))
        with pytest.raises(Killed):
            publishes(world)
    world.clock.wait_until(START + 10 * MINUTE)
    world.skip(out)
    world.recovered()
    assert world.versions.height == 1
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert sorted(world.calls["contact_id"]) == [f"c{number}" for number in range(6) if f"c{number}" != out]
    assert world.state == "completed"


@_PUBLISHING_OVER_A_SKIP
def test_a_skip_that_was_killed_while_a_version_was_computed_counts_once(home, monkeypatch, publishes, out):
    world = _begun_with_somebody_of_no_zone(home)
    publish_file = publishing.publish_file

    def publish_over_a_skip(*arguments):
        monkeypatch.setattr(publishing, "publish_file", publish_file)
        with monkeypatch.context() as dying:
            dying.setattr(campaigns, "skip", _raises(Killed()))  # the journal knows of it by then
            with pytest.raises(Killed):
                world.skip(out)
        return publish_file(*arguments)

    monkeypatch.setattr(publishing, "publish_file", publish_over_a_skip)
    publishes(world)
    world.run(START + 20 * DAY)
    called = [f"c{number}" for number in range(7 if out == "c6" else 6) if f"c{number}" != out]
    assert sorted(world.calls["contact_id"]) == called
    assert world.state == "completed"
