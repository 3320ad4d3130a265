"""What dispatchers that died have left: claims that go back, dials of which nothing is known, their files."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from flows.applying import apply_journal
from flows.clock import MOST_DRIFT, Clock
from flows.database import locked
from flows.dialers.dialer import UNSENT, answers_alike
from flows.home import Home
from flows.instants import read_instant, write_instant
from flows.journal import Journal
from flows.ledger import Ledger, Session
from flows.outbox import tell_journal
from flows.owners import is_dead, remove_files
from transforms.pace import LOOKS_BACK

OWNERS_KEPT = timedelta(days=1)
"""How long a dispatcher that stopped or died stays on record."""


def doubt_other_clock(
    home: Home, ledger: Ledger, journal: Journal, clock: Clock, most_dials: int
) -> datetime:
    """Have no open dial be repeated where the clock was set, or the machine started, since the last dispatch.

    A dial is repeated only while the provider knows its key; by another clock it may look younger than it is.
    Nor are the starts of the last seconds found, which count against the pace, so this returns until when
    no call is to start.
    """
    now = clock.now()
    booted_at = now - clock.since_boot()
    with locked(home.booted.with_suffix(".lock")):
        known_at = read_instant(home.booted)
        if abs(booted_at - known_at) > MOST_DRIFT:
            with ledger.session() as session:
                apply_journal(session, journal, now)
                session.write("doubt_dials", most_dials=most_dials)
            if home.booted.exists():
                write_instant(home.rests, now + LOOKS_BACK)
            write_instant(home.booted, booted_at)
        return read_instant(home.rests)


def take_over(owners: Path, ledger: Ledger, journal: Journal, owner_id: str, now: datetime) -> int:
    """Settle what dead dispatchers had in hand, and return how many calls that were.

    Only an owner whose lock is free is dead, however long ago it was heard of. A claim without a note was
    never dialled and goes back; a note without an answer becomes unknown, and ``owner_id`` takes over the
    open questions. Doing it twice, or being killed in between, changes nothing.
    """
    with ledger.session() as session:
        tell_journal(session, journal, now)
        found = session.read("list_claim_owners").filter(pl.col("owner_id") != owner_id)
        dead = _gone(owners, found)
        if dead.is_empty():
            return 0
        apply_journal(session, journal, now)  # only now: until they died they may have noted, and sent
        taken = _settle(session, journal, session.read("list_abandoned", ("dead_owner", dead)), now)
        session.write("adopt_unknown", ("dead_owner", dead), owner_id=owner_id)
    return taken


def forget_owners(owners: Path, ledger: Ledger, now: datetime) -> int:
    """Forget dispatchers that stopped or died some time ago and have no call open, and remove their files.

    Returns how many those were.
    """
    with ledger.session() as session:
        gone = _gone(owners, session.read("list_idle_owners", before=now - OWNERS_KEPT))
        session.write("delete_owners", ("gone_owner", gone))
    for owner_id in gone["owner_id"]:
        remove_files(owners, owner_id)
    return gone.height


def _gone(owners: Path, found: pl.DataFrame) -> pl.DataFrame:
    """Return the ``owner_id`` of those who said that they stopped (``has_ended``) or are proven dead."""
    names = found.select("owner_id", "has_ended").iter_rows()
    are_gone = [has_ended or is_dead(owners, owner_id) for owner_id, has_ended in names]
    return found.filter(pl.Series(are_gone, dtype=pl.Boolean)).select("owner_id")


def settle_failed(ledger: Ledger, journal: Journal, claims: pl.DataFrame, now: datetime) -> int:
    """Settle the calls of a batch that failed, like those of a dispatcher that died.

    ``claims`` has ``campaign_id``, ``contact_id``, ``attempt`` and ``lease_id`` of these calls: the rest of
    their claim may be under way in other batches.
    """
    with ledger.session() as session:
        apply_journal(session, journal, now)
        return _settle(session, journal, session.read("list_unanswered", ("failed_claim", claims)), now)


def _settle(session: Session, journal: Journal, calls: pl.DataFrame, now: datetime) -> int:
    """Answer for those who can do so no more; the journal keeps it, should this ledger be lost."""
    unnoted, noted = calls.filter(~pl.col("was_noted")), calls.filter("was_noted")
    failed = "its dispatcher failed"
    answers = pl.concat(
        [
            answers_alike(unnoted, UNSENT, f"{failed} before it was dialled", now),
            answers_alike(noted, "unknown", f"{failed} between the note and the answer", now),
        ]
    )
    if not answers.is_empty():
        with journal.writing() as page:
            page.add("answer", answers)
        apply_journal(session, journal, now)
    return calls.height
