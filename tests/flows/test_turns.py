"""One run dispatches at a time, at most one waits, and a turn ends with its process."""

import multiprocessing
import os
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest

from flows.clock import SimulatedClock, SystemClock
from flows.file_locks import is_locked
from flows.turns import Turns

NOW = datetime(2026, 3, 24, 12, tzinfo=UTC)
LASTS, AT_MOST = timedelta(minutes=1), timedelta(minutes=30)


@pytest.fixture
def turns(tmp_path):
    return Turns(tmp_path, SimulatedClock(NOW))


def _waits(folder, begun, came):
    with Turns(folder, SystemClock()).turn(LASTS, AT_MOST) as turn:
        begun.set()
        came.append(turn is not None and not turn.is_over(datetime.now(UTC)))


def _waiting(folder):
    """Have a run wait for its turn in a thread; return the thread and whether it could dispatch."""
    begun, came = threading.Event(), []
    thread = threading.Thread(target=_waits, args=(folder, begun, came))
    thread.start()
    while not Turns(folder, SystemClock()).somebody_waits() and not begun.is_set():
        pass
    return thread, begun, came


def test_a_turn_goes_on_until_its_time_is_over_and_somebody_waits(tmp_path, turns):
    with turns.turn(LASTS, AT_MOST) as turn:
        assert not turn.is_over(NOW + 10 * LASTS)  # nobody waits: it goes on
        thread, begun, came = _waiting(tmp_path)
        assert not turn.is_over(NOW + LASTS - timedelta(seconds=1))
        assert not begun.is_set()
        assert turn.is_over(NOW + LASTS)
        thread.join(30)  # it was passed on although this run still has things to bring to their end
        assert came == [True]
        assert turn.passed_at == NOW + LASTS


def test_a_turn_ends_at_the_latest_after_its_longest_time(tmp_path, turns):
    with turns.turn(LASTS, AT_MOST) as turn:
        assert not turn.is_over(NOW + AT_MOST - timedelta(microseconds=1))
        assert turn.is_over(NOW + AT_MOST)
        assert not is_locked(tmp_path / "turn.lock")


def test_a_run_leaves_where_another_waits_already(tmp_path, turns):
    with turns.turn(LASTS, AT_MOST) as turn:
        thread, _, _ = _waiting(tmp_path)
        with Turns(tmp_path, SystemClock()).turn(LASTS, AT_MOST) as third:
            assert third is None
        turn.is_over(NOW + AT_MOST)
        thread.join(30)


def test_no_run_has_a_turn_while_they_are_closed(tmp_path, turns):
    with turns.turn(LASTS, AT_MOST) as turn:
        thread, _, came = _waiting(tmp_path)
        with turns.closed():
            assert turn.is_over(NOW)
            thread.join(30)
            assert came == [False]
            with Turns(tmp_path, SystemClock()).turn(LASTS, AT_MOST) as other:
                assert other is None
    with turns.turn(LASTS, AT_MOST) as turn:
        assert turn is not None


def _holds(folder, has_it):
    with Turns(folder, SystemClock()).turn(LASTS, AT_MOST):
        has_it.set()
        signal.pause()


def _holds_until_it_is_over(folder, has_it, over):
    with Turns(folder, SystemClock()).turn(LASTS, AT_MOST) as turn:
        has_it.set()
        while not turn.is_over(datetime.now(UTC)):
            pass
        over.set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_the_one_that_waits_goes_on_where_the_run_before_is_killed_or_stopped(tmp_path, number):
    context = multiprocessing.get_context("spawn")
    has_it = context.Event()
    holder = context.Process(target=_holds, args=(tmp_path, has_it))
    holder.start()
    assert has_it.wait(60)
    thread, begun, came = _waiting(tmp_path)
    assert not begun.is_set()
    os.kill(holder.pid, number)
    thread.join(30)
    holder.kill()
    holder.join()
    assert came == [True]


def test_a_stopped_run_loses_its_turn_to_one_run_only_and_knows_it_when_it_goes_on(tmp_path):
    context = multiprocessing.get_context("spawn")
    has_it, over = context.Event(), context.Event()
    stopped = context.Process(target=_holds_until_it_is_over, args=(tmp_path, has_it, over))
    stopped.start()
    try:
        assert has_it.wait(60)
        os.kill(stopped.pid, signal.SIGSTOP)
        with Turns(tmp_path, SystemClock()).turn(LASTS, AT_MOST) as second:
            assert second is not None
            thread, begun, came = _waiting(tmp_path)
            assert not begun.is_set()  # the third waits for the second
            assert not second.is_over(datetime.now(UTC))
            os.kill(stopped.pid, signal.SIGCONT)
            assert over.wait(60)
            assert not begun.is_set()
            assert second.is_over(datetime.now(UTC) + LASTS)
            thread.join(30)
            assert came == [True]
    finally:
        stopped.kill()
        stopped.join()
