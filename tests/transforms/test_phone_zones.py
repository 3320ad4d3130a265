"""Zones from numbers, against the library that the table is taken from."""

import random

import phonenumbers
import polars as pl
import pytest
from phonenumbers.timezone import time_zones_for_geographical_number
from phonenumbers.tzdata import TIMEZONE_DATA

from tests.examples import SEED
from transforms import phone_zones
from transforms.phone_zones import with_number_zones
from transforms.wall_clock import zone_names


def _zones(*phones):
    return with_number_zones(pl.LazyFrame({"phone": phones}, schema={"phone": pl.String})).collect()[
        "number_zones"
    ]


def test_zones_are_those_of_the_library_for_numbers_of_every_prefix():
    draw = random.Random(SEED)
    phones = [
        f"+{prefix}{draw.randrange(10 ** (11 - len(prefix))):0{11 - len(prefix)}}"
        for prefix in TIMEZONE_DATA
        for _ in range(2)
    ]
    parsed = [phonenumbers.PhoneNumber(*_split(phone)) for phone in phones]
    wanted = ["|".join(sorted(time_zones_for_geographical_number(number))) for number in parsed]
    assert _zones(*phones).fill_null("Etc/Unknown").to_list() == wanted
    assert len(phones) > 6_000


def _split(phone):
    """Return all digits in two parts: the library puts them together again before it looks them up."""
    return int(phone[1:-1]), int(phone[-1])


def test_a_number_of_one_place_has_one_zone():
    assert _zones("+12125550100", "+442079460100", "+13105550100").to_list() == [
        "America/New_York",
        "Europe/London",
        "America/Los_Angeles",
    ]


def test_a_number_without_a_place_may_lie_anywhere_in_its_country():
    (zones,) = _zones("+18005550100")
    assert len(zones.split("|")) == 42
    assert {"Pacific/Guam", "Pacific/Honolulu"} <= set(zones.split("|"))


def test_an_unknown_prefix_has_no_zone():
    assert _zones("+9995550100").to_list() == [None]


def test_a_zone_that_the_pinned_rules_do_not_have_is_no_zone(monkeypatch):
    monkeypatch.setattr(phone_zones, "zone_names", lambda: zone_names() - {"America/New_York"})
    phone_zones.prefix_zones.cache_clear()
    try:
        assert _zones("+12125550100", "+13105550100").to_list() == [None, "America/Los_Angeles"]
    finally:
        phone_zones.prefix_zones.cache_clear()


@pytest.mark.parametrize("count", [0, 1, 5_000])
def test_rows_their_order_and_other_columns_stay(count):
    place = pl.int_range(count, eager=True)
    rows = pl.LazyFrame(
        {"place": place, "phone": pl.select(pl.format("+1{}", place + 2_005_550_000)).to_series()}
    )
    found = with_number_zones(rows).collect()
    assert found.columns == ["place", "phone", "number_zones"]
    assert found["place"].equals(place.alias("place"))
