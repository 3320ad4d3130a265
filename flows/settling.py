"""A person's word on a call of which nobody else knows how it ended."""

from datetime import datetime

import polars as pl

from flows.applying import apply_journal
from flows.campaigns import find_campaign
from flows.dialers.dialer import REPORTS
from flows.errors import InputError
from flows.home import Home
from flows.journal import Journal
from flows.ledger import Ledger
from flows.outbox import tell_journal

OUTCOMES = ("completed", "no_answer", "busy", "voicemail", "failed")
"""What a call can be settled as."""


def settle(home: Home, ledger: Ledger, named: str, contact_id: str, outcome: str, now: datetime) -> int:
    """Give the unknown call of a contact its outcome, and return which attempt it was.

    It goes through the journal like a provider's report. A campaign that is still under way tries the contact
    again where its settings say so for that outcome.

    Raises:
        InputError: the outcome is none, or no call of the contact is unknown.
    """
    if outcome not in OUTCOMES:
        raise InputError(f"--as: {outcome!r} is no outcome; use one of {', '.join(OUTCOMES)}")
    journal = Journal(home.journal)
    with ledger.session() as session:
        tell_journal(session, journal, now)  # so that the outcome comes after the settings that judge it
        apply_journal(session, journal, now)
        campaign = find_campaign(session, named)
        unknown = session.read("list_open_questions", campaign_id=campaign.campaign_id, contact_id=contact_id)
        if unknown.is_empty():
            raise InputError(
                f"{contact_id}: no call of this contact is unknown; "
                f'callplan calls "{campaign.name}" --status unknown lists those that are'
            )
        report = unknown.tail(1).with_columns(
            state=pl.lit(outcome),
            provider_status=pl.lit(None, pl.String),
            reported_at=pl.lit(now),
            reason=pl.lit("settled by a person"),
        )
        with journal.writing() as page:
            page.add("report", report.select(pl.col(name).cast(dtype) for name, dtype in REPORTS.items()))
        apply_journal(session, journal, now)
    return int(unknown["attempt"][-1])
