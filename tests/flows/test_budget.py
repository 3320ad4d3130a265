from datetime import UTC, datetime, timedelta

import pytest

from flows.budget import LONGEST_BLOCK, RequestBudget

NOW = datetime(2026, 3, 23, 14, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def budget(tmp_path):
    return RequestBudget(tmp_path / "budgets" / "key.json", 100)


def test_no_minute_has_more_requests_than_allowed_whoever_takes_them(budget):
    other = RequestBudget(budget._file, 100)
    assert budget.take_to_place(70, NOW) == 70
    assert other.take_to_place(70, NOW + 10 * SECOND) == 20
    assert other.take_to_ask(70, NOW + 10 * SECOND, due_soon=0) == 10
    assert budget.take_to_place(1, NOW + 59 * SECOND) == 0
    assert budget.take_to_ask(1, NOW + 59 * SECOND, due_soon=0) == 0
    assert budget.free_at(NOW + 59 * SECOND) == NOW + 60 * SECOND
    assert budget.take_to_place(90, NOW + 60 * SECOND) == 70


def test_inquiries_leave_what_calls_that_fall_due_will_need_and_have_a_tenth(budget):
    assert budget.take_to_ask(50, NOW, due_soon=90) == 10
    assert budget.take_to_ask(50, NOW, due_soon=500) == 0
    assert budget.take_to_place(100, NOW) == 90


@pytest.mark.parametrize(("placed", "asked"), [(45, 55), (60, 40), (80, 20), (200, 10)])
def test_what_is_placed_steadily_is_counted_once_by_those_who_ask(budget, placed, asked):
    counts = {"placed": 0, "asked": 0}
    for second in range(600):
        now = NOW + second * SECOND
        counts["placed"] += budget.take_to_place(placed * (second + 1) // 60 - placed * second // 60, now)
        counts["asked"] += budget.take_to_ask(200, now, due_soon=placed)
    assert counts == {"placed": 10 * min(placed, 90), "asked": 10 * asked}


@pytest.mark.parametrize(
    ("asked", "held_for"),
    [
        (NOW + 30 * SECOND, 30 * SECOND),
        (None, 60 * SECOND),
        (NOW - timedelta(days=1), SECOND),
        (NOW + timedelta(days=4000), LONGEST_BLOCK),
    ],
)
def test_a_provider_that_asks_to_wait_is_heeded_within_reason_and_by_all(budget, asked, held_for):
    assert budget.hold(asked, NOW) == NOW + held_for
    other = RequestBudget(budget._file, 100)
    assert other.take_to_place(1, NOW + held_for - timedelta(microseconds=1)) == 0
    assert other.free_at(NOW) == NOW + held_for
    assert other.take_to_place(1, NOW + held_for) == 1


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=31)])
def test_what_was_taken_or_held_by_a_clock_that_was_ahead_holds_nothing_back(budget, ahead):
    assert budget.take_to_place(90, NOW + ahead) == 90
    budget.hold(None, NOW + ahead)
    assert budget.free_at(NOW) == NOW
    assert budget.take_to_place(90, NOW) == 90


def test_with_a_small_limit_somebody_is_asked_too(tmp_path):
    budget = RequestBudget(tmp_path / "key.json", 5)
    assert budget.take_to_place(50, NOW) == 4
    assert budget.take_to_ask(50, NOW, due_soon=50) == 1


def test_a_clock_that_was_set_back_a_little_lets_nobody_take_twice(budget):
    assert budget.take_to_place(90, NOW + 30 * SECOND) == 90
    assert budget.take_to_place(1, NOW) == 0
    assert budget.take_to_place(1, NOW + 90 * SECOND) == 1


@pytest.mark.parametrize(
    "left", [b'{"held_until": 0, "taken": [[0, 100]]}', b"", b"\0" * 60, b'{"held_until": 1774', b"\xff"]
)
def test_a_file_that_cannot_be_read_holds_nothing_back(budget, left):
    budget.take_to_place(90, NOW)
    budget._file.write_bytes(left)
    assert budget.free_at(NOW) == NOW
    assert budget.take_to_place(70, NOW) == 70
    assert budget.take_to_place(70, NOW) == 20
