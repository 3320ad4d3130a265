"""The guards that are taken out of the simulation, each with the row whose worlds fail without it."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import polars as pl

from flows import applying, committing, dispatcher, placing, publishing, staging
from flows.budget import LONGEST_BLOCK, SHORTEST_BLOCK, RequestBudget
from flows.changes import Changes
from flows.clock import ClockGuard
from flows.dialers import truedy_answers
from flows.dialers.truedy_answers import Answer
from tests.faults.stated import claimed_in_spite_of, stated
from transforms import contact_list, contacts, wall_clock, windows
from transforms.pace import HELD


@dataclass(frozen=True)
class SimulatedGuard:
    """What is protected against, the number of a row that fails without it, and how it is taken out."""

    name: str
    row: int
    take_out: Callable[[], AbstractContextManager[object]]


def _always(value: object) -> Callable[..., object]:
    """Return a function that takes anything and returns ``value``."""
    return lambda *_, **__: value


def _replaced(room: object, name: str, value: object) -> Callable[[], AbstractContextManager[object]]:
    """Put something else in the place of a function or a constant."""
    return lambda: patch.object(room, name, value)


def _all_at_once(requests: pl.DataFrame, *_: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    return requests, HELD.to_frame()


@contextmanager
def _closing_goes_unchecked() -> Iterator[None]:
    """Look before the note at the age of a slot only, and not at the clock after it.

    The ledger takes such notes up: else it would stop everything once the first late call has rung.
    """
    late = ~pl.col("replays")

    def too_late(self, now):
        return late & (pl.col("scheduled_at") + self._line.late_limit <= now)

    with (
        patch.object(placing.Batch, "_is_too_late", too_late),
        patch.object(placing.Batch, "_still_open", lambda _, __, noted: noted),
        stated({"ledger/create_call": (" and noted_at < not_after", "")})(),
    ):
        yield


def _age_goes_unchecked() -> AbstractContextManager[object]:
    """Look before the note at the end of the window only."""
    return patch.object(placing.Batch, "_is_too_late", lambda _, now: pl.col("not_after") <= now)


def _holds_are_forgotten() -> AbstractContextManager[object]:
    def bounded(_, until, now):
        asked = now + timedelta(minutes=1) if until is None else until
        return min(max(asked, now + SHORTEST_BLOCK), now + LONGEST_BLOCK)

    return patch.object(RequestBudget, "hold", bounded)


def _unclear_answers_are_failures() -> AbstractContextManager[object]:
    created = truedy_answers._created

    def judged(content):
        answer = created(content)
        return Answer("failed", reason=answer.reason) if answer.state == "unknown" else answer

    return patch.object(truedy_answers, "_created", judged)


@contextmanager
def _numbers_are_given_twice() -> Iterator[None]:
    """Publish beside a version of the same number: its file's name and the ledger both refuse that."""

    def in_its_place(file: Path, written: Path) -> None:
        file.unlink(missing_ok=True)
        os.link(written, file)

    asked = ("$based_on::integer = (", "$based_on::integer <= (")
    with patch.object(Path, "hardlink_to", in_its_place), stated({"ledger/add_plan_version": asked})():
        yield


def _the_last_report_counts() -> AbstractContextManager[object]:
    apply_reports = applying._apply_reports

    def backwards(session, reports, now):
        return apply_reports(session, reports.reverse(), now)

    return patch.object(applying, "_apply_reports", backwards)


def _repeats_are_not_looked_at() -> AbstractContextManager[object]:
    forbidden = placing.Batch._forbidden

    def as_of_first_dials(self, now):
        unchanged = self._line.changes.number() == self._change
        return self._waiting.clear() if unchanged else forbidden(self, now)

    return patch.object(placing.Batch, "_forbidden", as_of_first_dials)


_OPEN_CALLS = "call.state in ('in_progress', 'unknown')"
_ANY_STEP = ("(previous_state, state) in (", "true or (previous_state, state) in (")
_PASSED_OVER_TOO_FAR = "missed_until > $callable_from::timestamptz"
_ANY_CALLS = "call.state not in ('claimed', 'scheduled')"

SIMULATED_GUARDS = (
    SimulatedGuard(
        "a dial is repeated only while its key is known",
        8,
        _replaced(dispatcher, "_REPLAY_MARGIN", timedelta(days=-1)),
    ),
    SimulatedGuard("a dial is not repeated once its call has ended", 8, _repeats_are_not_looked_at),
    SimulatedGuard("no call is dialled after its window", 10, _closing_goes_unchecked),
    SimulatedGuard("no call is dialled long after its slot", 10, _age_goes_unchecked),
    SimulatedGuard("the provider's holds are honoured", 10, _holds_are_forgotten),
    SimulatedGuard("the pace is kept", 11, _replaced(placing, "within_pace", _all_at_once)),
    SimulatedGuard("an answer that is not clear is no outcome", 13, _unclear_answers_are_failures),
    SimulatedGuard(
        "a campaign that is refused is paused",
        14,
        stated({"ledger/pause_refused": ("campaign.state in ('scheduled', 'active')", "false")}),
    ),
    SimulatedGuard(
        "the first final outcome wins",
        15,
        stated(
            {
                "ledger/create_call": _ANY_STEP,
                "ledger/record_reports": (_OPEN_CALLS, _ANY_CALLS),
                "ledger/add_report_events": (_OPEN_CALLS, _ANY_CALLS),
            }
        ),
    ),
    SimulatedGuard("of two reports the first one counts", 15, _the_last_report_counts),
    SimulatedGuard(
        "whoever is to be tried again waits for that",
        15,
        stated({"ledger/add_retries": ("call.attempt < campaign.max_attempts", "call.attempt < 1")}),
    ),
    SimulatedGuard(
        "a delay is over before a slot is looked for",
        15,
        stated({"ledger/list_ripe": (" and ripe_at <= $now::timestamptz", "")}),
    ),
    SimulatedGuard(
        "a campaign with an open call is not completed",
        9,
        stated({"ledger/complete_campaigns": ("call.finished_at is null", "call.state = 'claimed'")}),
    ),
    SimulatedGuard(
        "calls in flight are counted", 9, claimed_in_spite_of("max_concurrent_calls are in flight")
    ),
    SimulatedGuard(
        "a call ends at its deadline", 16, _replaced(dispatcher.Dispatcher, "_close_overdue", _always(None))
    ),
    SimulatedGuard(
        "a question is closed only after a look-up", 16, _replaced(dispatcher, "CLOSE_GRACE", timedelta())
    ),
    SimulatedGuard("changes are looked for before each slice", 19, _replaced(Changes, "number", _always(0))),
    SimulatedGuard("a paused campaign is not claimed", 20, claimed_in_spite_of("the campaign is paused")),
    SimulatedGuard(
        "nothing is claimed while a plan is changed", 21, claimed_in_spite_of("the plan is being changed")
    ),
    SimulatedGuard(
        "an edit sees which calls went back", 21, _replaced(committing, "_refuse_other_calls", _always(None))
    ),
    SimulatedGuard(
        "a claim of a replaced version is not dialled",
        21,
        stated({"ledger/list_callable_claims": ("current_version.plan_version = call.plan_version", "true")}),
    ),
    SimulatedGuard(
        "a number that changed in the list is dialled",
        21,
        _replaced(staging.Stage, "is_outdated", _always(False)),
    ),
    SimulatedGuard("a skipped contact is not claimed", 22, claimed_in_spite_of("the contact is skipped")),
    SimulatedGuard(
        "a clock that was set is noticed", 23, _replaced(ClockGuard, "refuse_moved", _always(None))
    ),
    SimulatedGuard(
        "what a clock that was ahead passed over is staged again",
        23,
        stated(
            {
                "ledger/delete_slots_ahead": (_PASSED_OVER_TOO_FAR, "false"),
                "ledger/stage_again": (_PASSED_OVER_TOO_FAR, "false"),
                "ledger/settle_passed_over": ("plan_version.missed_until is null", "true"),
            }
        ),
    ),
    SimulatedGuard(
        "a window opens at the later of two readings",
        24,
        _replaced(windows, "opening_instant", wall_clock.closing_instant),
    ),
    SimulatedGuard(
        "a window closes at the earlier of two readings",
        24,
        _replaced(windows, "closing_instant", wall_clock.opening_instant),
    ),
    SimulatedGuard(
        "a number is in a file once",
        26,
        _replaced(contacts, "without_repeats", lambda rows: (rows, rows.clear())),
    ),
    SimulatedGuard(
        "a number is in a list once",
        26,
        _replaced(
            contact_list,
            "phones_taken",
            lambda _, incoming: incoming.select("contact_id", holder="contact_id").clear(),
        ),
    ),
    SimulatedGuard(
        "a plan file is compared with what was published",
        29,
        _replaced(staging, "proven", lambda plans, name, _: plans / name),
    ),
    SimulatedGuard("no two versions have one number", 33, _numbers_are_given_twice),
    SimulatedGuard(
        "what a killed publication left is set aside",
        33,
        _replaced(publishing, "set_aside_orphans", _always([])),
    ),
)
