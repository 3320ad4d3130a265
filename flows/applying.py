"""Applying the dial journal to the ledger: the one way in which the ledger learns what became of a claim.

The same reading on catches a ledger up after a crash, or an older copy of it. Nothing is applied twice,
because the ledger's position moves in the same transaction.
"""

from collections.abc import Collection
from datetime import datetime

import polars as pl

from flows.campaigns import complete_campaigns, end_again, stop_again, take_up_settings
from flows.dialers.dialer import ANSWERS, GOES_BACK, REFUSED, REPORTS
from flows.errors import WorkError
from flows.journal import CHANGES, NOTES, SKIPS, STOPS, Entry, Journal
from flows.ledger import Session
from flows.plan_store import version_name

_CALL = ["campaign_id", "contact_id", "attempt"]
_NOTE, _ANSWER, _WORD, _OUTCOME = range(4)
_IN_ORDER = {
    "note": pl.lit(_NOTE),
    "answer": pl.lit(_ANSWER),
    "report": pl.when(pl.col("state").is_null()).then(_WORD).otherwise(_OUTCOME),
}
"""What comes first of what the journal says of a call."""


class OutdatedLedgerError(WorkError):
    """The journal knows of more than this ledger can take up; it has to be recovered."""


def apply_journal(session: Session, journal: Journal, now: datetime) -> int:
    """Apply every entry that the ledger has not, in order, and return how many calls ended by it.

    Raises:
        DamagedJournalError: the journal does not cover the ledger's position.
        OutdatedLedgerError: it knows plan versions that the ledger does not.
    """
    return apply_entries(session, _entries(session, journal), now)


def apply_entries(session: Session, entries: list[Entry], now: datetime, lost: Collection[str] = ()) -> int:
    """Apply the entries of the journal that come next, and return how many calls ended by it.

    ``lost`` names campaigns that are gone with their plans: what is said of them is of no use any more.

    Raises:
        OutdatedLedgerError: they know plan versions that the ledger does not.
    """
    if not entries:
        return 0
    changes = _rows(entries, "change", CHANGES, lost)
    if not changes.is_empty():
        _refuse_foreign(session, changes)
        take_up_settings(session, changes)
    skips = _rows(entries, "skip", SKIPS, lost)
    if not skips.is_empty():
        _refuse_foreign(session, _of_planned(skips))
        if session.write("take_up_skips", ("skipped", skips)):
            session.announce()
        for campaign_id in skips["campaign_id"].unique():
            session.write("delete_skipped_pending", campaign_id=campaign_id)
    ended = 0
    for run in _in_rounds(entries):
        notes, answers, reports = (
            _rows(run, kind, schema, lost)
            for kind, schema in (("note", NOTES), ("answer", ANSWERS), ("report", REPORTS))
        )
        _apply_notes(session, notes, now)
        ended += _apply_answers(session, answers, now)
        ended += _apply_reports(session, reports, now)
    stops = _rows(entries, "stop", STOPS, lost)
    if not stops.is_empty():
        stop_again(session, stops, now)
    end_again(session, changes, now)
    session.write("set_journal_sequence", sequence=entries[-1].sequence)
    complete_campaigns(session, now)
    return ended


def refuse_outdated(session: Session, journal: Journal) -> None:
    """Raise what ``apply_journal`` would raise, and change nothing."""
    entries = _entries(session, journal)
    _refuse_foreign(session, _rows(entries, "change", CHANGES))
    _refuse_foreign(session, _of_planned(_rows(entries, "skip", SKIPS)))
    _refuse_foreign(session, _rows(entries, "note", NOTES))


def _entries(session: Session, journal: Journal) -> list[Entry]:
    return journal.entries_after(int(session.read("find_version")["journal_sequence"].item()))


def _of_planned(skips: pl.DataFrame) -> pl.DataFrame:
    return skips.filter(pl.col("plan_version") > 0)


def _refuse_foreign(session: Session, entries: pl.DataFrame) -> None:
    """Refuse entries (``campaign_id``, ``plan_version``) of plans that are later than the ledger's last."""
    foreign = session.read("list_foreign_notes", ("note", entries.select("campaign_id", "plan_version")))
    if not foreign.is_empty():
        plan = version_name(*foreign.select("campaign_id", "plan_version").row(0))
        raise OutdatedLedgerError(
            f"the dial journal knows the plan {plan}, which this ledger does not: it is an older copy; "
            "callplan recover builds it anew, where that file is there"
        )


def _in_rounds(entries: list[Entry]) -> list[list[Entry]]:
    """Cut the entries so that a part's notes can be taken first, then its answers, words and outcomes.

    A part begins with an entry that says of a call what comes before, or again, what was said of it: an
    attempt is noted again after an answer gave it back, or where nothing was known of the first dial, and
    may be answered after somebody has settled it. A ledger far behind sees all of that at once.
    """
    told = [
        entry.rows.select(*_CALL, sequence=pl.lit(entry.sequence), order=_IN_ORDER[entry.kind])
        for entry in entries
        if entry.kind in _IN_ORDER
    ]
    if not told:
        return [entries]
    order, latest_before = pl.col("order"), pl.col("order").cum_max().shift(1).over(_CALL)
    comes_again = (order == latest_before) & (order <= _ANSWER)
    cuts = set(pl.concat(told).filter((order < latest_before) | comes_again)["sequence"])
    rounds: list[list[Entry]] = [[]]
    for entry in entries:
        if entry.sequence in cuts:
            rounds.append([])
        rounds[-1].append(entry)
    return rounds


def _rows(entries: list[Entry], kind: str, schema: pl.Schema, lost: Collection[str] = ()) -> pl.DataFrame:
    rows = pl.concat([schema.to_frame(), *(entry.rows for entry in entries if entry.kind == kind)])
    return rows.filter(~pl.col("campaign_id").is_in(list(lost))) if lost else rows


def _apply_notes(session: Session, notes: pl.DataFrame, now: datetime) -> None:
    if notes.is_empty():
        return
    first, again = notes.filter(~pl.col("replays")), notes.filter("replays")
    known = session.write("note_calls", ("note", first)) if first.height else 0
    if known < first.height:
        _refuse_foreign(session, first)
        session.write("readdress_noted_calls", ("note", first))
        session.write("add_noted_calls", ("note", first))
        session.write("delete_noted_slots", ("note", first))
        session.write("delete_noted_pending", ("note", first))
    if again.height:
        _doubt(session, again, now)
        session.write("count_replays", ("note", again))


def _doubt(session: Session, again: pl.DataFrame, now: datetime) -> None:
    """Have calls whose dial was repeated be unknown, also where an older ledger does not know it yet.

    Whatever becomes of the repetition, it says nothing of the first dial: the call must not go back for it.
    """
    doubted = again.with_columns(
        state=pl.lit("unknown"),
        provider_call_id=pl.lit(None),
        answered_at="noted_at",
        reason=pl.lit("it was dialled again under its key"),
    ).select(pl.col(name).cast(dtype) for name, dtype in ANSWERS.items())
    session.write("add_answer_events", ("answer", doubted))
    session.write("record_answers", ("answer", doubted), now=now)


def _apply_answers(session: Session, answers: pl.DataFrame, now: datetime) -> int:
    """Record answers (``ANSWERS``): outcomes, calls that go back, campaigns that the provider refuses.

    Returns how many calls ended.
    """
    if answers.is_empty():
        return 0
    goes_back = pl.col("state").is_in(GOES_BACK)
    final = answers.filter(~goes_back)
    if not final.is_empty():
        session.write("add_answer_events", ("answer", final))
        session.write("record_answers", ("answer", final), now=now)
        session.write("add_retries", ("ended", final.select(_CALL)))
    give_back(session, answers.filter(goes_back), now)
    refusals = (
        answers.filter(pl.col("state") == REFUSED).group_by("campaign_id").agg(pl.col("reason").first())
    )
    if not refusals.is_empty() and session.write("pause_refused", ("refusal", refusals), now=now):
        session.write("add_campaign_events", changed_at=now)
        session.announce()
    return final.filter(~pl.col("state").is_in(["in_progress", "unknown"])).height


def give_back(session: Session, calls: pl.DataFrame, now: datetime) -> int:
    """Put claimed calls back to their slots; only those that certainly did not ring may be given.

    Reads ``campaign_id``, ``contact_id``, ``attempt``, ``lease_id`` and ``reason``. Where a slot counts no
    longer, another is looked for.
    """
    if calls.is_empty():
        return 0
    returning = session.read("list_returning", ("answer", calls.select(*_CALL, "lease_id", "reason")))
    if returning.is_empty():
        return 0
    session.announce()  # whoever has them in hand looks again
    relation = ("returning_call", returning)
    session.write("return_slots", relation)
    session.write("return_pending", relation, now=now)
    session.write("add_returned_events", relation, now=now)
    session.write("delete_returned", relation)
    return returning.height


def _apply_reports(session: Session, reports: pl.DataFrame, now: datetime) -> int:
    words = reports.filter(pl.col("state").is_null())
    if not words.is_empty():
        session.write("set_provider_status", ("report", words.unique(_CALL, keep="last")))
    outcomes = reports.filter(pl.col("state").is_not_null()).unique(_CALL, keep="first", maintain_order=True)
    if outcomes.is_empty():
        return 0
    session.write("add_report_events", ("report", outcomes))
    recorded = session.write("record_reports", ("report", outcomes), now=now)
    session.write("add_retries", ("ended", outcomes.select(_CALL)))
    return recorded
