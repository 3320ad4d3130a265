"""Contact files and lists."""

from pathlib import Path

import polars as pl
import pytest

SAMPLE = Path(__file__).parents[3] / "data" / "sample_contacts.csv"


def test_lists_show_what_was_set_aside(callplan):
    callplan.ok("load", SAMPLE, "--list", "sample", "--region", "US")
    (row,) = callplan.json("lists")
    assert (row["contacts"], row["set_aside"]) == (245, 5)
    rows = callplan.json("lists", "sample")
    assert {"line": 18, "reason": "no phone"}.items() <= rows[0].items()
    assert "there is no such list" in callplan("lists", "nope").stderr


def test_a_field_that_is_mapped_twice_is_refused(callplan):
    file = callplan.write("people.csv", "id,phone,mobile\na,+12125550190,+12125550191\n")
    done = callplan("load", file, "--list", "people", "--map", "phone=phone", "--map", "phone=mobile")
    assert (done.returncode, done.stderr) == (2, "error: --map: 'phone' is given 2 times; use one\n")


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_contact_file_may_be_named_like_a_pattern(callplan, kind):
    file = callplan.folder / f"people [1].{kind}"
    people = pl.DataFrame({"id": ["a"], "phone": ["+12125550190"]})
    {"csv": people.write_csv, "parquet": people.write_parquet, "jsonl": people.write_ndjson}[kind](file)
    assert "1 rows: 1 added" in callplan.ok("load", file, "--list", "people")
