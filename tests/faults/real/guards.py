"""The guards of dispatch, each of which can be taken out for a trial, in all of its processes."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from threading import local
from unittest.mock import patch

import polars as pl

from flows import abandoned, journal, pausing, placing
from flows.changes import Changes
from flows.dialers import truedy
from tests.faults.stated import claimed_in_spite_of
from transforms.pace import HELD

_missing: list[str] = []
"""The names of the guards that are taken out at present."""


@dataclass(frozen=True)
class Guard:
    """What is protected against, the number of a row that fails without it, and how it is taken out."""

    name: str
    row: int
    take_out: Callable[[], AbstractContextManager[object]]


def missing() -> tuple[str, ...]:
    """Return the names of the guards that are taken out."""
    return tuple(_missing)


@contextmanager
def without(names: tuple[str, ...]) -> Iterator[None]:
    """Take guards out for the length of the block; processes begun in it lack them, too."""
    with ExitStack() as stack:
        for guard in GUARDS:
            if guard.name in names:
                stack.enter_context(guard.take_out())
        _missing[:] = names
        try:
            yield
        finally:
            _missing.clear()


def _always(value: object) -> Callable[..., object]:
    """Return a function that takes anything and returns ``value``."""
    return lambda *_, **__: value


def _note_nothing() -> AbstractContextManager[object]:
    return patch.object(journal.Writer, "note", _always(0))


@contextmanager
def _note_after_sending() -> Iterator[None]:
    stash, note, send = local(), journal.Writer.note, truedy.TruedyDialer.send

    def later(self, notes):
        stash.journal, stash.notes = self._journal, notes
        return 0

    def sent_first(self, requests, now):
        exchange = send(self, requests, now)
        time.sleep(0.02)  # as if the disk took its time
        with stash.journal.writing() as page:
            note(page, stash.notes)
        return exchange

    with (
        patch.object(journal.Writer, "note", later),
        patch.object(truedy.TruedyDialer, "send", sent_first),
    ):
        yield


def _everybody_else_is_dead() -> AbstractContextManager[object]:
    return patch.object(abandoned, "is_dead", _always(True))


def _noted_calls_go_back() -> AbstractContextManager[object]:
    settle = abandoned._settle
    return patch.object(
        abandoned,
        "_settle",
        lambda session, journal, calls, now: settle(
            session, journal, calls.with_columns(was_noted=pl.lit(False)), now
        ),
    )


def _another_key_in_each_process() -> AbstractContextManager[object]:
    process = str(uuid.uuid4())
    return patch.object(
        truedy,
        "idempotency_key",
        lambda campaign, contact, attempt: str(
            uuid.uuid5(uuid.UUID(campaign), f"{attempt}:{contact}:{process}")
        ),
    )


def _nothing_may_leave() -> AbstractContextManager[object]:
    async def forget(*_):
        pass

    return patch.object(truedy, "_may_leave", forget)


def _slices_are_not_waited_for() -> AbstractContextManager[object]:
    return patch.object(pausing, "wait_for_slices", _always([]))


def _changes_go_unseen() -> AbstractContextManager[object]:
    return patch.object(Changes, "number", _always(0))


def _no_lock_on_the_journal() -> AbstractContextManager[object]:
    return patch.object(journal, "locked", _always(nullcontext()))


def _no_pace() -> AbstractContextManager[object]:
    return patch.object(placing, "within_pace", lambda requests, *_: (requests, HELD.to_frame()))


def _gaps_are_fine() -> AbstractContextManager[object]:
    return patch.object(journal.Journal, "_refuse_gaps", _always(None))


def _stops_are_not_noted() -> AbstractContextManager[object]:
    return patch.object(pausing, "_tell_journal", _always(None))


_MADE_STAYS_STAGED = {
    "ledger/add_slots": ("where\n", "where\n    true or\n"),
    "ledger/delete_noted_slots": ("where\n", "where\n    false and\n"),
}
"""A slot leaves the stage with its call and is not staged beside it: alone the gate bars nothing.

All are taken out together.
"""

GUARDS = (
    Guard("a dial is noted", 4, _note_nothing),
    Guard("a dial is noted before it is sent", 4, _note_after_sending),
    Guard("an owner is dead only where its lock is free", 18, _everybody_else_is_dead),
    Guard("a noted call never goes back", 4, _noted_calls_go_back),
    Guard("a call is repeated under its own key", 4, _another_key_in_each_process),
    Guard("what has left is never called unsent", 12, _nothing_may_leave),
    Guard("a pause waits for slices", 19, _slices_are_not_waited_for),
    Guard("changes are looked for before each slice", 19, _changes_go_unseen),
    Guard("the journal is written under its lock", 17, _no_lock_on_the_journal),
    Guard("the pace is kept", 17, _no_pace),
    Guard("a journal with gaps is refused", 32, _gaps_are_fine),
    Guard("a pause is noted in the journal", 32, _stops_are_not_noted),
    Guard(
        "an attempt that was made is neither staged nor claimed",
        32,
        claimed_in_spite_of("this attempt has been made", _MADE_STAYS_STAGED),
    ),
    Guard("calls in flight are counted", 17, claimed_in_spite_of("max_concurrent_calls are in flight")),
)
