from pathlib import Path

import polars as pl
import pytest

from flows.contact_loading import load_list
from flows.contact_store import contacts_hash, current_snapshot, open_contacts, snapshot_hash
from flows.errors import InputError

OFFICES = Path(__file__).parents[3] / "shared" / "data" / "district_offices.csv"


@pytest.fixture
def load(home, tmp_path, now):
    def load(text, name="people.csv", region="US", **headers):
        file = tmp_path / name
        file.write_text(text)
        return load_list(home, file, "people", region, headers, now)

    return load


def _contacts(home):
    with open_contacts(home) as store:
        return store.contacts("people")


PEOPLE = "id,phone,state\na,212-555-0190,NY\nb,212-555-0191,NY\nc,,NY\n"


def test_a_second_load_of_the_same_file_changes_nothing(load, home):
    assert load(PEOPLE).added == 2
    before, snapshot = _contacts(home), current_snapshot(home, "people")
    again = load(PEOPLE)
    assert again.already_loaded
    assert _contacts(home).equals(before)
    assert current_snapshot(home, "people") == snapshot


def test_what_came_since_is_named_where_a_file_is_loaded_again(load, home):
    load(PEOPLE, "good.csv")
    load(PEOPLE.replace("0190", "0199"), "wrong.csv")
    again = load(PEOPLE, "good.csv")
    assert (again.already_loaded, list(again.loaded_since)) == (True, ["wrong.csv"])
    assert "+12125550199" in _contacts(home)["phone"]


def test_the_same_file_read_with_a_region_replaces_its_rejects(load, home):
    people = PEOPLE + "d,+12125550193,NY\n"
    assert dict(load(people, region=None).set_aside) == {"invalid phone": 2, "no phone": 1}
    summary = load(people, region="US")
    assert (summary.added, dict(summary.set_aside)) == (2, {"no phone": 1})
    with open_contacts(home) as store:
        assert store.rejects("people").height == 1


def test_a_file_without_a_single_contact_is_refused_with_the_first_reasons_and_leaves_no_list(load, home):
    with pytest.raises(
        InputError, match=r'none of its 3 rows .*; line 2: "212-555-0190" has no country code; '
    ):
        load(PEOPLE, region=None)
    assert not home.contacts.exists()


def test_a_further_file_is_appended_and_known_people_are_updated_in_place(load, home):
    load(PEOPLE)
    summary = load("id,phone,state\nd,2125550193,TX\na,2125550190,CA\nb,2125550191,NY\n", name="more.csv")
    assert (summary.added, summary.updated, summary.unchanged) == (1, 1, 1)
    assert _contacts(home).select("contact_id", "region").rows() == [("a", "CA"), ("b", "NY"), ("d", "TX")]


def test_a_phone_of_somebody_else_is_set_aside(load, home):
    load(PEOPLE)
    summary = load("id,phone\nz,2125550190\nb,2125550190\n", name="more.csv")
    assert dict(summary.set_aside) == {"duplicate phone": 2}
    assert _contacts(home)["phone"].to_list() == ["+12125550190", "+12125550191"]
    with open_contacts(home) as store:
        reasons = store.rejects("people").filter(pl.col("source_file") == "more.csv")["reason"].to_list()
    assert reasons[0] == "phone +12125550190 belongs to contact a of the list"


def test_another_file_of_the_same_name_never_means_the_same_people(load, home):
    load("phone\n2125550190\n")
    load("phone\n2125550191\n")
    assert _contacts(home)["contact_id"].to_list() == ["people.csv:2", "people.csv#2:2"]


def test_the_snapshot_holds_the_list_and_its_hash(load, home):
    load(PEOPLE)
    snapshot = current_snapshot(home, "people")
    contacts = pl.read_parquet(snapshot)
    assert contacts.equals(_contacts(home))
    assert snapshot_hash(snapshot) == contacts_hash(contacts)


def test_the_hash_tells_order_and_nulls_apart():
    people = pl.DataFrame({"contact_id": ["a", "b"], "phone": ["1", "2"], "timezone": [None, "UTC"]})
    others = [people.reverse(), people.with_columns(timezone=pl.lit("UTC")), people.head(1)]
    assert len({contacts_hash(frame) for frame in [people, *others]}) == 4


def test_wrong_input_changes_nothing(load, home):
    load(PEOPLE)
    before = _contacts(home)
    for text, region, told in [
        ("name\nAda\n", "US", "no column looks like one"),
        (PEOPLE + "x,2125550199,NY\n", "USA", "--region: 'USA' is no region"),
    ]:
        with pytest.raises(InputError, match=told):
            load(text, region=region)
    assert _contacts(home).equals(before)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../up", "x" * 101])
def test_a_list_name_is_one_that_a_folder_can_have(home, tmp_path, now, name):
    with pytest.raises(InputError, match="--list"):
        load_list(home, tmp_path / "people.csv", name, None, {}, now)


def test_a_missing_list_is_told_with_those_there_are(load, home):
    load(PEOPLE)
    with pytest.raises(InputError, match="there is no list 'offices'; loaded are: people"):
        current_snapshot(home, "offices")


@pytest.mark.skipif(not OFFICES.is_file(), reason="the list of district offices is not on this machine")
def test_a_real_list_of_offices_is_read_to_the_last_row(home, now):
    summary = load_list(home, OFFICES, "offices", "US", {}, now)
    assert summary.rows == 1312
    assert summary.added == 1204
    assert dict(summary.set_aside) == {"duplicate phone": 76, "no phone": 32}
