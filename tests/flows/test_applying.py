"""What the journal says of repeated dials, applied to a ledger that is an older copy."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from flows.applying import _in_rounds, apply_journal
from flows.campaigns import create_campaign
from flows.dialers.dialer import ANSWERS, REPORTS
from flows.journal import NOTES, SKIPS, Journal
from flows.ledger import Ledger
from tests.people import campaign

NOW = datetime(2026, 3, 23, 14, tzinfo=UTC)


def _planned_campaign(ledger, **settings):
    campaign_id = create_campaign(ledger, campaign(**settings), NOW)
    with ledger.session() as session:
        session.write(
            "add_plan_version",
            campaign_id=campaign_id,
            plan_version=1,
            based_on=0,
            kind="replaces",
            file=f"{campaign_id}/000001.parquet",
            sha256="",
            contacts_hash="",
            row_count=1,
            excluded_count=0,
            first_at=NOW,
            last_at=NOW,
            published_at=NOW,
        )
        session.write(
            "set_schedule",
            campaign_id=campaign_id,
            seen="draft",
            state="scheduled",
            starts_at=NOW,
            dialer="simulated",
            contact_count=1,
            excluded_count=0,
            listed_count=1,
            first_date=NOW.date(),
            first_date_cap=None,
            hindrance=None,
            now=NOW,
        )
    return campaign_id


def _note(campaign_id, *, replays):
    note = {
        "campaign_id": campaign_id,
        "contact_id": "c0",
        "attempt": 1,
        "plan_version": 1,
        "phone": "+12125550101",
        "from_number": "+12125550190",
        "timezone": "UTC",
        "scheduled_at": NOW,
        "not_after": NOW + timedelta(hours=1),
        "call_date": NOW.date(),
        "slot_index": 0,
        "owner_id": "owner",
        "lease_id": "lease",
        "claimed_at": NOW,
        "noted_at": NOW + timedelta(minutes=1 if replays else 0),
        "deadline_at": NOW + timedelta(hours=1),
        "replays": replays,
    }
    return pl.DataFrame([note], schema=NOTES)


def _answer(campaign_id, state, contact="c0"):
    answer = {
        "campaign_id": campaign_id,
        "contact_id": contact,
        "attempt": 1,
        "lease_id": "lease",
        "state": state,
        "answered_at": NOW + timedelta(minutes=1),
    }
    return pl.DataFrame([answer], schema=ANSWERS)


@pytest.mark.parametrize("applied_before", [0, 1])
def test_a_repeated_dial_that_never_left_does_not_give_back_the_first_one(tmp_path, applied_before):
    ledger, journal = Ledger(None), Journal(tmp_path)
    campaign_id = _planned_campaign(ledger)
    with journal.writing() as page:
        page.note(_note(campaign_id, replays=False))
    for _ in range(applied_before):
        with ledger.session() as session:
            apply_journal(session, journal, NOW)
    with journal.writing() as page:
        page.note(_note(campaign_id, replays=True))
        page.add("answer", _answer(campaign_id, "unsent"))
    with ledger.session() as session:
        apply_journal(session, journal, NOW + timedelta(minutes=2))
        (call,) = session.read("copy_call").to_dicts()
        states = session.read("copy_event").filter(pl.col("contact_id") == "c0")["to_state"].to_list()
    assert (call["state"], call["dials"], call["finished_at"]) == ("unknown", 2, None)
    assert states == ["unknown"]


def test_two_answers_that_are_read_at_once_make_one_further_attempt(tmp_path):
    ledger, journal = Ledger(None), Journal(tmp_path)
    campaign_id = _planned_campaign(ledger, retry={"max_attempts": 2, "delay_minutes": {"busy": 30}})
    with journal.writing() as page:
        page.note(_note(campaign_id, replays=False))
    with ledger.session() as session:
        apply_journal(session, journal, NOW)
    with journal.writing() as page:
        page.add("answer", _answer(campaign_id, "unknown"))
        page.note(_note(campaign_id, replays=True))
        page.add("answer", _answer(campaign_id, "busy"))
    with ledger.session() as session:
        apply_journal(session, journal, NOW + timedelta(minutes=2))
        (call,) = session.read("copy_call").to_dicts()
        waiting = session.read("copy_pending")
    assert call["state"] == "busy"
    assert waiting["attempt"].to_list() == [2]


def test_who_was_settled_over_a_repeated_dial_is_not_tried_again_by_its_answer(tmp_path):
    ledger, journal = Ledger(None), Journal(tmp_path)
    campaign_id = _planned_campaign(ledger, retry={"max_attempts": 2, "delay_minutes": {"busy": 30}})
    with journal.writing() as page:
        page.note(_note(campaign_id, replays=False))
        page.add("answer", _answer(campaign_id, "unknown"))
    with ledger.session() as session:
        apply_journal(session, journal, NOW)
    settled = {"campaign_id": campaign_id, "contact_id": "c0", "attempt": 1, "state": "completed"}
    report = pl.DataFrame([settled | {"reported_at": NOW, "reason": "settled by a person"}], schema=REPORTS)
    with journal.writing() as page:
        page.note(_note(campaign_id, replays=True))
        page.add("report", report)
        page.add("answer", _answer(campaign_id, "busy"))
    with ledger.session() as session:
        apply_journal(session, journal, NOW + timedelta(minutes=2))
        (call,) = session.read("copy_call").to_dicts()
        assert session.read("copy_pending").is_empty()
    assert call["state"] == "completed"


def test_a_word_that_comes_after_an_outcome_says_nothing_of_it(tmp_path):
    ledger, journal = Ledger(None), Journal(tmp_path)
    campaign_id = _planned_campaign(ledger)
    report = {"campaign_id": campaign_id, "contact_id": "c0", "attempt": 1, "reported_at": NOW}
    with journal.writing() as page:
        page.note(_note(campaign_id, replays=False))
        page.add("answer", _answer(campaign_id, "unknown"))
        for state, word in (("completed", None), (None, "what?")):
            said = report | {"state": state, "provider_status": word}
            page.add("report", pl.DataFrame([said], schema=REPORTS))
    with ledger.session() as session:
        apply_journal(session, journal, NOW + timedelta(minutes=2))
        (call,) = session.read("copy_call").to_dicts()
    assert (call["state"], call["provider_status"]) == ("completed", None)


def test_a_skip_that_only_the_journal_knows_is_announced(tmp_path):
    ledger, journal = Ledger(None), Journal(tmp_path)
    campaign_id = _planned_campaign(ledger)
    skip = {"campaign_id": campaign_id, "contact_id": "c0", "reason": "do not call", "plan_version": 1}
    with journal.writing() as page:
        page.add("skip", pl.DataFrame([skip | {"skipped_at": NOW}], schema=SKIPS))
    before = ledger.changes.number()
    with ledger.session() as session:
        apply_journal(session, journal, NOW)
    assert ledger.changes.number() > before


def test_entries_are_applied_together_as_far_as_nothing_is_told_again(tmp_path):
    journal = Journal(tmp_path)
    with journal.writing() as page:
        page.add("answer", _answer("c", "unknown"))
        for contact in ("c1", "c2"):
            page.add("answer", _answer("c", "busy", contact))
        page.note(_note("c", replays=True))
        page.add("answer", _answer("c", "busy", "c3"))
        page.add("answer", _answer("c", "busy"))
        page.add("answer", _answer("c", "busy", "c4"))
    rounds = _in_rounds(journal.entries_after(0))
    assert [[entry.sequence for entry in run] for run in rounds] == [[1, 2, 3], [4, 5], [6, 7]]
