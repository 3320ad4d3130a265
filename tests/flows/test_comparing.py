"""What differs between two plans."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from flows.comparing import Difference, changes, compare, plan_files
from flows.errors import InputError
from tests.people import contacts
from tests.world import START, World
from transforms.schemas import PLAN

NOON = datetime(2026, 3, 23, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
BY_CAMPAIGN = ("UTC", "campaign")


def _plan(folder, name, rows, version=1):
    """Write a plan of (contact, hours after noon, number) rows."""
    file = folder / f"{name}.parquet"
    pl.DataFrame(
        [
            (
                "c",
                version,
                contact,
                1,
                "+1",
                number,
                "UTC",
                "campaign",
                NOON + hour * HOUR,
                NOON,
                NOON.date(),
                0,
            )
            for contact, hour, number in rows
        ],
        schema=PLAN,
        orient="row",
    ).write_parquet(file)
    return file


def test_who_moved_came_went_and_changed_number_is_counted(tmp_path):
    old = _plan(tmp_path, "old", [("a", 0, "+1"), ("b", 1, "+1"), ("c", 2, "+1"), ("d", 3, "+1")])
    new = _plan(tmp_path, "new", [("a", 0, "+1"), ("b", 5, "+1"), ("c", 2, "+2"), ("e", 4, "+1")])
    assert compare([old], [new]) == Difference(1, 1, 1, 1, 1, NOON + 3 * HOUR, NOON + 5 * HOUR)
    rows = changes([old], [new], 10)
    assert rows.select("contact_id", "change").rows() == [
        ("e", "added"),
        ("d", "dropped"),
        ("b", "moved"),
        ("c", "renumbered"),
    ]
    assert changes([old], [new], 2).height == 2


def test_of_several_files_the_later_version_counts(tmp_path):
    first = _plan(tmp_path, "first", [("a", 0, "+1"), ("b", 1, "+1")])
    adding = _plan(tmp_path, "adding", [("b", 7, "+1")], version=2)
    found = compare([first], [first, adding])
    assert (found.moved, found.unchanged, found.added) == (1, 1, 0)


def test_an_empty_plan_is_a_plan(tmp_path):
    old = _plan(tmp_path, "old", [("a", 0, "+1")])
    assert compare([old], []) == Difference(0, 0, 0, 1, 0, NOON, None)


def test_a_campaign_at_a_version_is_the_plan_as_it_was_then(home):
    world = World(home, contacts(4), max_calls_per_day=2)
    world.load(contacts(6), "more.csv")
    world.schedule()
    world.update(end_time="15:00")
    files = {number: [world.file(number)] for number in (1, 2, 3)}
    # plan_files reads the ledger of the store, and this world keeps its own in memory
    with world.ledger.session() as session:
        versions = session.read("list_versions", campaign_id=world.campaign_id)
    assert versions["kind"].to_list() == ["replaces", "adds", "replaces"]
    assert compare(files[1], files[1] + files[2]).added == 2
    assert compare(files[1] + files[2], files[3]).moved == 3  # the first of each date keeps its time
    assert START.date() == date(2026, 3, 23)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("nothing.parquet", "nothing.parquet: no such file"),
        ("Renewals", "Renewals: no such file; the plan of a campaign is named CAMPAIGN@VERSION"),
        ("README.md", "README.md: this is not a readable Parquet file"),
    ],
)
def test_what_is_no_plan_is_refused_by_name(home, named, told):
    with pytest.raises(InputError, match=told):
        plan_files(home, named)
