import io
from datetime import UTC, datetime

import pytest
from matplotlib.image import imread

from flows.previewing import preview
from flows.telling.markdown import table
from flows.telling.pictures import picture_of
from flows.telling.plans import described
from tests.people import campaign

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def written(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("id,phone\n" + "".join(f"c{place},+12125550{100 + place}\n" for place in range(90)))
    settings = campaign(max_calls_per_day=30, name="Pipes | and lines")
    return settings, preview(settings, file, tmp_path / "out", None, {}, NOW)


def test_a_plan_is_described_by_its_rules_and_dates_on_the_campaigns_clock(written):
    settings, plan = written
    lines = described(plan, settings, "Pipes | and\nlines")
    assert lines[1] == (
        "**90 calls**, from Fri 2026-03-20 10:30 -0400 to Tue 2026-03-24 16:46 -0400 (America/New_York)."
    )
    assert "| caps | holds |" in lines
    assert "| Mon 2026-03-23 | 30 | 30 |" in lines


def test_a_picture_has_a_column_for_each_date(written):
    _, plan = written
    picture = picture_of(plan.file, "America/New_York", plan.first_at, plan.last_at)
    height, width, _ = imread(io.BytesIO(picture)).shape
    assert (width, height) == (660, 550)


def test_nothing_ends_a_cell_early():
    assert table(("a|b", "c"), [("x\ny", 1234)]) == ["| a\\|b | c |", "|---|---|", "| x y | 1,234 |"]
