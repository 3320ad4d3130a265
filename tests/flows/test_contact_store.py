import hashlib
import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from flows.contact_store import (
    LoadSummary,
    SourceFile,
    check_list_name,
    contacts_hash,
    current_lists,
    current_snapshot,
    open_contacts,
    snapshot_hash,
    snapshot_with_hash,
    write_snapshot,
)
from flows.database import locked
from flows.errors import InputError
from flows.home import Home
from transforms.schemas import CONTACTS, REJECTS

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def people(*rows: tuple[str, str, str | None], source_file: str = "a.csv") -> pl.DataFrame:
    """Return contacts of (contact_id, phone, timezone), on lines from 2."""
    given = pl.DataFrame(
        rows,
        schema=["contact_id", "phone", "timezone"],
        schema_overrides={"timezone": pl.String},
        orient="row",
    )
    known = given.with_columns(
        variables=pl.lit("{}"), source_file=pl.lit(source_file), line=pl.int_range(2, pl.len() + 2)
    )
    return known.select(
        (pl.col(name) if name in known.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in CONTACTS.items()
    )


def rejected(*lines: int, source_file: str = "a.csv") -> pl.DataFrame:
    return pl.DataFrame(
        [(source_file, line, None, None, "no phone", "no phone") for line in lines],
        schema=REJECTS,
        orient="row",
    )


def add(
    home: Home,
    contacts: pl.DataFrame,
    rejects: pl.DataFrame | None = None,
    label: str = "a.csv",
    options: str = "{}",
    list_name: str = "clients",
) -> LoadSummary:
    with open_contacts(home) as store:
        source = SourceFile(label, f"sha of {label}", options)
        aside = REJECTS.to_frame() if rejects is None else rejects
        summary = store.add(list_name, source, contacts, aside, NOW)
        store.publish_snapshot(list_name)
    return summary


def published(home: Home, list_name: str = "clients") -> pl.DataFrame:
    return pl.read_parquet(current_snapshot(home, list_name))


def test_first_load_stores_and_publishes_the_list_in_order(home: Home) -> None:
    contacts = people(("b", "1", None), ("a", "2", "Asia/Tokyo"))
    summary = add(home, contacts, rejected(4))
    assert summary == LoadSummary("clients", 3, 2, 0, 0, {"no phone": 1}, 2)
    assert published(home).equals(contacts)
    assert published(home).schema == CONTACTS
    with open_contacts(home) as store:
        assert store.contacts("clients").equals(contacts)
        assert store.rejects("clients").equals(rejected(4))
        assert store.lists().rows() == [("clients", 2, 1, 1, NOW)]


def test_further_file_is_appended_and_known_contacts_keep_their_place(home: Home) -> None:
    add(home, people(("a", "1", None), ("b", "2", None)))
    summary = add(home, people(("c", "3", None), ("a", "9", None), ("b", "2", None)), label="b.csv")
    assert (summary.added, summary.updated, summary.unchanged, summary.contacts) == (1, 1, 1, 3)
    assert published(home).select("contact_id", "phone").rows() == [("a", "9"), ("b", "2"), ("c", "3")]
    with open_contacts(home) as store:
        assert store.contacts("clients").equals(published(home))


def test_phone_of_another_contact_is_set_aside(home: Home) -> None:
    add(home, people(("a", "1", None)))
    summary = add(home, people(("b", "1", None), source_file="b.csv"), label="b.csv")
    assert (summary.added, summary.set_aside) == (0, {"duplicate phone": 1})
    with open_contacts(home) as store:
        assert store.rejects("clients").rows() == [
            ("b.csv", 2, "b", "1", "duplicate phone", "phone 1 belongs to contact a of the list")
        ]


def test_reading_a_file_anew_replaces_its_rejects_only(home: Home) -> None:
    add(home, people(("a", "1", None)), rejected(3, 4))
    add(home, people(("z", "8", None), source_file="b.csv"), rejected(5, source_file="b.csv"), label="b.csv")
    add(home, people(("a", "1", None), ("c", "3", None)), rejected(4), options='{"region": "US"}')
    with open_contacts(home) as store:
        assert store.rejects("clients").select("source_file", "line").rows() == [("a.csv", 4), ("b.csv", 5)]
        assert store.contacts("clients")["contact_id"].to_list() == ["a", "z", "c"]


def test_lists_do_not_touch_each_other(home: Home) -> None:
    add(home, people(("a", "1", None)), rejected(7))
    add(home, people(("a", "2", None)), list_name="others")
    assert published(home)["phone"].to_list() == ["1"]
    assert published(home, "others")["phone"].to_list() == ["2"]
    assert list(current_lists(home)) == ["clients", "others"]
    with open_contacts(home) as store:
        assert store.lists()["set_aside"].to_list() == [1, 0]


def test_another_file_of_the_same_name_is_told_apart(home: Home) -> None:
    with open_contacts(home) as store:
        assert store.source("clients", "a.csv", "s1", "{}") == (SourceFile("a.csv", "s1", "{}"), False)
        store.add("clients", SourceFile("a.csv", "s1", "{}"), people(), REJECTS.to_frame(), NOW)
        assert store.source("clients", "a.csv", "s1", "{}") == (SourceFile("a.csv", "s1", "{}"), True)
        assert store.source("clients", "a.csv", "s1", "x") == (SourceFile("a.csv", "s1", "x"), False)
        assert store.source("clients", "a.csv", "s2", "{}") == (SourceFile("a.csv#2", "s2", "{}"), False)
        assert store.source("others", "a.csv", "s2", "{}") == (SourceFile("a.csv", "s2", "{}"), False)


def test_failed_load_leaves_everything_as_it_was(home: Home) -> None:
    add(home, people(("a", "1", None)))
    before = current_snapshot(home, "clients")
    broken = people(("b", "2", None)).with_columns(variables=pl.lit(None, pl.String))
    with pytest.raises(duckdb.ConstraintException):
        add(home, broken, label="b.csv")
    assert current_snapshot(home, "clients") == before
    with open_contacts(home) as store:
        assert store.contacts("clients")["contact_id"].to_list() == ["a"]
        assert store.source("clients", "b.csv", "sha of b.csv", "{}")[1] is False


def test_snapshot_becomes_current_only_with_the_commit(home: Home) -> None:
    add(home, people(("a", "1", None)))
    with open_contacts(home) as store:
        more = people(("b", "2", None))
        store.add("clients", SourceFile("b.csv", "s", "{}"), more, REJECTS.to_frame(), NOW)
        store.publish_snapshot("clients")
        assert published(home)["contact_id"].to_list() == ["a"]
    assert published(home)["contact_id"].to_list() == ["a", "b"]


def test_load_that_is_broken_off_publishes_nothing(home: Home) -> None:
    add(home, people(("a", "1", None)))

    def broken_off() -> None:
        with open_contacts(home) as store:
            more = people(("b", "2", None))
            store.add("clients", SourceFile("b.csv", "s", "{}"), more, REJECTS.to_frame(), NOW)
            store.publish_snapshot("clients")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert published(home)["contact_id"].to_list() == ["a"]


def test_snapshot_is_read_while_the_database_is_locked(home: Home) -> None:
    add(home, people(("a", "1", None)))
    with locked(home.contacts.with_suffix(".lock")):
        assert published(home).height == 1


def test_lost_pointer_and_lost_snapshot_are_made_anew(home: Home) -> None:
    add(home, people(("a", "1", None)))
    snapshot = current_snapshot(home, "clients")
    snapshot.unlink()
    (snapshot.parent / "current").unlink()
    with open_contacts(home) as store:
        summary = store.nothing_new("clients", SourceFile("a.csv", "sha of a.csv", "{}"))
    assert (summary.already_loaded, summary.contacts) == (True, 1)
    assert current_snapshot(home, "clients") == snapshot
    assert published(home).height == 1


def test_loads_at_the_same_time_wait_for_each_other(home: Home) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: add(home, people((f"c{n}", str(n), None)), label=f"{n}.csv"), range(8)))
    assert sorted(published(home)["phone"]) == [str(n) for n in range(8)]


def test_missing_list_is_named_with_those_that_are_there(home: Home) -> None:
    with pytest.raises(InputError, match=r"contact_list: there is no list 'x'; loaded are: none"):
        current_snapshot(home, "x")
    add(home, people(("a", "1", None)))
    with pytest.raises(InputError, match=r"contact_list: there is no list 'x'; loaded are: clients"):
        current_snapshot(home, "x")


@pytest.mark.parametrize("name", ["", ".hidden", "..", "a/b", "a b", "x" * 101, "a\n"])
def test_list_name_must_do_as_a_folder_name(name: str) -> None:
    with pytest.raises(InputError, match=r"--list: .* is no name for a list"):
        check_list_name(name)


@pytest.mark.parametrize("name", ["a", "2026-03.leads_v2", "clientes-méxico", "x" * 100])
def test_list_name_may_hold_letters_digits_and_some_signs(name: str) -> None:
    check_list_name(name)


HASHED = people(("a", "1", None), ("b", "2", "Asia/Tokyo"))


CHANGED = {
    "order": HASHED.reverse(),
    "contact_id": HASHED.with_columns(contact_id=pl.Series(["a", "c"])),
    "phone": HASHED.with_columns(phone=pl.Series(["1", "3"])),
    "timezone": HASHED.with_columns(timezone=pl.lit("Asia/Tokyo")),
    "empty is not missing": HASHED.with_columns(pl.col("timezone").fill_null("")),
    "where a value ends": HASHED.with_columns(contact_id=pl.Series(["ab", ""])),
    "how many there are": HASHED.head(1),
}


@pytest.mark.parametrize("what", CHANGED)
def test_hash_changes_with_what_planning_reads(what: str) -> None:
    assert contacts_hash(CHANGED[what]) != contacts_hash(HASHED)


def test_hash_is_of_the_lengths_and_bytes_of_each_column() -> None:
    columns = [(1, 1, b"ab"), (1, 1, b"12"), (-1, 10, b"Asia/Tokyo")]
    hashed = b"".join(struct.pack("<ii", *lengths) + content for *lengths, content in columns)
    assert contacts_hash(HASHED) == hashlib.sha256(hashed).hexdigest()


def test_hash_is_of_the_contacts_and_nothing_else() -> None:
    elsewhere = HASHED.with_columns(source_file=pl.lit("b.csv"), line=pl.lit(9), first_name=pl.lit("Bo"))
    in_chunks = pl.concat([HASHED.head(1), HASHED.tail(1)], rechunk=False)
    assert contacts_hash(elsewhere) == contacts_hash(HASHED) == contacts_hash(in_chunks)


def test_snapshot_carries_its_hash_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    snapshot = write_snapshot(HASHED, tmp_path / "clients")
    assert snapshot_hash(snapshot) == contacts_hash(HASHED)
    assert write_snapshot(HASHED, tmp_path / "clients") == snapshot
    assert list((tmp_path / "clients").iterdir()) == [snapshot]
    assert snapshot_with_hash(Home(tmp_path / "none"), contacts_hash(HASHED)) is None


def test_snapshot_is_found_by_its_hash(home: Home) -> None:
    add(home, HASHED)
    assert snapshot_with_hash(home, contacts_hash(HASHED)) == current_snapshot(home, "clients")


def test_new_data_that_planning_does_not_read_gives_a_new_snapshot(home: Home) -> None:
    add(home, HASHED)
    before = current_snapshot(home, "clients")
    add(home, HASHED.with_columns(first_name=pl.lit("Bo")), label="b.csv")
    after = current_snapshot(home, "clients")
    assert after != before
    assert snapshot_hash(after) == snapshot_hash(before)
    assert pl.read_parquet(before)["first_name"].to_list() == [None, None]
