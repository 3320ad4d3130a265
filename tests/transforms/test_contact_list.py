import polars as pl
import pytest

from transforms.contact_list import merge, phones_taken
from transforms.schemas import CONTACTS, REJECTS

LISTED = pl.Schema({"position": pl.Int64(), **CONTACTS})


def people(*pairs: tuple[str, str], source_file: str = "a.csv", first_name: str = "Ann") -> pl.DataFrame:
    """Return contacts of (contact_id, phone), on lines from 2."""
    known = pl.DataFrame(pairs, schema={"contact_id": pl.String(), "phone": pl.String()}, orient="row")
    return known.with_columns(
        first_name=pl.lit(first_name),
        variables=pl.lit("{}"),
        source_file=pl.lit(source_file),
        line=pl.int_range(2, pl.len() + 2),
    ).select(
        (
            pl.col(name)
            if name in ("contact_id", "phone", "first_name", "variables", "source_file", "line")
            else pl.lit(None)
        )
        .cast(dtype)
        .alias(name)
        for name, dtype in CONTACTS.items()
    )


def listed(contacts: pl.DataFrame) -> pl.DataFrame:
    return contacts.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("position"), pl.all())


def test_new_contacts_follow_the_last_of_the_list() -> None:
    merged = merge(listed(people(("a", "1"), ("b", "2"))), people(("c", "3"), ("d", "4")))
    assert merged.contacts.schema == LISTED
    assert merged.contacts.select("position", "contact_id").rows() == [(0, "a"), (1, "b"), (2, "c"), (3, "d")]
    assert merged.added["position"].to_list() == [2, 3]


def test_known_contact_with_new_data_is_changed_in_its_place() -> None:
    merged = merge(
        listed(people(("a", "1"), ("b", "2"))), people(("a", "9"), source_file="b.csv", first_name="Bo")
    )
    assert merged.contacts.select("contact_id", "phone", "first_name", "source_file").rows() == [
        ("a", "9", "Bo", "b.csv"),
        ("b", "2", "Ann", "a.csv"),
    ]
    assert merged.updated["position"].to_list() == [0]
    assert merged.added.is_empty()


def test_known_contact_with_the_same_data_stays_as_it_was() -> None:
    before = listed(people(("a", "1"), ("b", "2")))
    merged = merge(before, people(("b", "2"), source_file="b.csv"))
    assert merged.contacts.equals(before)
    assert merged.updated.is_empty()
    assert merged.added.is_empty()
    assert merged.rejects.is_empty()


def test_phone_of_another_contact_is_set_aside_and_names_it() -> None:
    merged = merge(listed(people(("a", "1"), ("b", "2"))), people(("c", "1"), ("b", "1x")))
    assert merged.rejects.schema == REJECTS
    assert merged.rejects.select("line", "contact_id", "phone_written", "kind", "reason").rows() == [
        (2, "c", "1", "duplicate phone", "phone 1 belongs to contact a of the list"),
    ]


@pytest.mark.parametrize(
    ("before", "incoming", "after", "refused"),
    [
        # a moves to 9 and gives 1 to c
        ([("a", "1")], [("a", "9"), ("c", "1")], [("a", "9"), ("c", "1")], {}),
        # a and b swap
        ([("a", "1"), ("b", "2")], [("a", "2"), ("b", "1")], [("a", "2"), ("b", "1")], {}),
        # a cannot have 2, which b keeps, so a keeps 1 and c cannot have that
        ([("a", "1"), ("b", "2")], [("a", "2"), ("c", "1")], [("a", "1"), ("b", "2")], {"a": "b", "c": "a"}),
        # an update to a phone that another contact keeps
        ([("a", "1"), ("b", "2")], [("b", "1")], [("a", "1"), ("b", "2")], {"b": "a"}),
    ],
)
def test_phone_belongs_to_one_contact_of_the_list(
    before: list[tuple[str, str]],
    incoming: list[tuple[str, str]],
    after: list[tuple[str, str]],
    refused: dict[str, str],
) -> None:
    taken = phones_taken(listed(people(*before)), people(*incoming))
    assert dict(taken.rows()) == refused
    assert (
        merge(listed(people(*before)), people(*incoming)).contacts.select("contact_id", "phone").rows()
        == after
    )


def test_empty_list_takes_everyone() -> None:
    merged = merge(LISTED.to_frame(), people(("a", "1"), ("b", "2")))
    assert merged.contacts.equals(listed(people(("a", "1"), ("b", "2"))))
    assert merged.contacts.equals(merged.added)
