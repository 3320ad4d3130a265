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


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_contact_file_may_be_named_like_a_pattern(callplan, kind):
    file = callplan.folder / f"people [1].{kind}"
    people = pl.DataFrame({"id": ["a"], "phone": ["+12125550190"]})
    {"csv": people.write_csv, "parquet": people.write_parquet, "jsonl": people.write_ndjson}[kind](file)
    assert "1 rows: 1 added" in callplan.ok("load", file, "--list", "people")
