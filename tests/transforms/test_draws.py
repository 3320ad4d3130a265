import polars as pl
from hypothesis import given, seed
from hypothesis import strategies as st

from tests.examples import SEED
from transforms.draws import draw, mixed, mixed_number


def test_the_mixing_is_that_of_splitmix64():
    # The first outputs of the published generator for seed 1234567.
    gamma = 0x9E3779B97F4A7C15
    outputs = [mixed_number((1234567 + gamma * step) % 2**64) for step in range(3)]
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@seed(SEED)
@given(st.integers(0, 2**64 - 1))
def test_a_column_is_mixed_like_a_number(counter):
    column = pl.select(mixed(pl.lit(counter, pl.UInt64))).item()
    assert column == mixed_number(counter)


def test_draws_are_even_over_the_choices():
    counts = (
        pl.select(drawn=draw(7, pl.int_range(70_000), pl.lit(7)))
        .group_by("drawn")
        .len()
        .sort("drawn")["len"]
        .to_list()
    )
    # Chi-square with 6 degrees of freedom exceeds 22.5 once in a thousand; the draws are fixed.
    assert len(counts) == 7
    assert sum((count - 10_000) ** 2 / 10_000 for count in counts) < 22.5


def test_another_seed_draws_otherwise():
    both = pl.select(
        first=draw(1, pl.int_range(1000), pl.lit(2)), second=draw(2, pl.int_range(1000), pl.lit(2))
    )
    assert 400 < both.filter(pl.col("first") == pl.col("second")).height < 600
