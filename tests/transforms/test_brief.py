import json
from datetime import UTC, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from transforms.brief import NOBODY_SKIPPED, Brief, Edition
from transforms.schemas import STANDING

NOBODY_STANDS = STANDING.to_frame().lazy()
SKIPPED = pl.DataFrame(
    {"reason": ["asked us to", '"reason"\n', "wünscht es"], "contact_id": ["c2", "contact_id", "Ø 1"]}
)


def _brief(skipped=NOBODY_SKIPPED):
    return Brief(
        starts_at=datetime(2026, 3, 4, 12, tzinfo=UTC),
        from_at=datetime(2026, 3, 4, 12, 30, tzinfo=UTC),
        edition=Edition("renewals", 3),
        fresh_from=7,
        fresh_until=9,
        skipped=skipped,
        standing=NOBODY_STANDS,
        last_number="+15550100",
    )


def _without_frames(brief):
    return {name: value for name, value in vars(brief).items() if name not in ("skipped", "standing")}


@pytest.mark.parametrize("skipped", [NOBODY_SKIPPED, SKIPPED])
def test_a_brief_is_read_as_it_was_written(skipped):
    brief = _brief(skipped)
    read = Brief.from_texts(brief.as_texts(), NOBODY_STANDS)
    assert _without_frames(read) == _without_frames(brief)
    assert_frame_equal(read.skipped, skipped.select("contact_id", "reason"), check_row_order=False)
    assert read.skipped.schema == NOBODY_SKIPPED.schema


def test_the_same_skips_are_the_same_text_in_whatever_order_they_come():
    assert _brief(SKIPPED.reverse()).as_texts() == _brief(SKIPPED).as_texts()


@pytest.mark.parametrize("skipped", [NOBODY_SKIPPED, SKIPPED])
def test_the_skips_of_an_older_plan_are_read(skipped):
    older = json.dumps(dict(skipped.select("contact_id", "reason").iter_rows()))
    read = Brief.from_texts(_brief().as_texts() | {"skipped": older}, NOBODY_STANDS).skipped
    assert_frame_equal(read, skipped.select("contact_id", "reason"), check_row_order=False)
