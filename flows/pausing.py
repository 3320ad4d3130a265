"""Pausing, cancelling and skipping that mean it: when they return, no further call can start.

The change is committed first. Dispatchers look before every slice whether anything changed, so once each of
them has let go of the slice it was in, whatever it sends next knows of the change.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import polars as pl

from flows import campaigns
from flows.applying import apply_journal, give_back
from flows.campaigns import StoredCampaign, complete_campaigns, find_campaign, refuse_final
from flows.dialers.dialer import ANSWERS, UNSENT, answers_alike
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.journal import STOPS, Journal
from flows.ledger import Ledger, Session
from flows.owners import SLICE_LASTS, Living, lets_go_of_its_slice, living
from flows.standing import known_contacts

WAITS = 8 * SLICE_LASTS
"""How long a dispatcher may take to let go of its slice before it counts as stuck."""


@dataclass(frozen=True)
class Held:
    """What a pause or cancellation found: the campaigns as they were, and their calls still in flight."""

    campaigns: list[StoredCampaign]
    in_flight: int


class UnacknowledgedError(WorkError):
    """The change is stored, but a dispatcher is stuck over its slice, or the journal could not be told."""


def pause(home: Home, ledger: Ledger, named: str, now: datetime) -> Held:
    """Hold a campaign back; when this returns no further call of it starts.

    One that is paused already is paused once more: that is acknowledged anew, and an order to resume it that
    was given before counts no more.

    Raises:
        InputError: it is a draft or final.
        WorkError: it could not be stored.
        UnacknowledgedError: a dispatcher did not let go of its slice in time, or the journal could not be
            told; the campaign is paused though.
    """
    return _stop(home, ledger, lambda session: [campaigns.pause(session, named, now)], "paused", now)


def pause_all(home: Home, ledger: Ledger, now: datetime) -> Held:
    """Hold every campaign back that is no draft and not final, like ``pause``: the emergency stop."""
    return _stop(home, ledger, lambda session: campaigns.pause_all(session, now), "paused", now)


def cancel(home: Home, ledger: Ledger, named: str, now: datetime) -> Held:
    """End a campaign for good, like ``pause``; calls in flight go on."""
    return _stop(home, ledger, lambda session: [campaigns.cancel(session, named, now)], "cancelled", now)


def _stop(
    home: Home, ledger: Ledger, stop: Callable[[Session], list[StoredCampaign]], state: str, now: datetime
) -> Held:
    with _storing(ledger) as session:
        stopped = stop(session)
        rows = [(campaign.campaign_id, state, now) for campaign in stopped]
        untold = _tell_journal(session, home, "stop", pl.DataFrame(rows, schema=STOPS, orient="row"))
    _acknowledge(home, untold)
    return Held(stopped, _put_back(home, ledger, stopped, now))


def skip(home: Home, ledger: Ledger, named: str, ids: pl.Series, reason: str, now: datetime) -> int:
    """Take the contacts of ``ids`` out of a campaign; when this returns nobody dials them.

    Returns how many were not out yet. A call that has left goes on.

    Raises:
        InputError: the campaign is final, or some are no contacts of its list; nobody was skipped.
        WorkError, UnacknowledgedError: as for ``pause``.
    """
    with _storing(ledger) as session:
        campaign = find_campaign(session, named)
        refuse_final(campaign)
        contacts = known_contacts(home, session, campaign, ids)
        _refuse_unknown(campaign, ids, contacts)
        current = session.read("list_versions", campaign_id=campaign.campaign_id)["plan_version"].max()
        skips = contacts.select(
            pl.lit(campaign.campaign_id).alias("campaign_id"),
            "contact_id",
            pl.lit(reason).alias("reason"),
            pl.lit(now).alias("skipped_at"),
            pl.when("is_planned").then(pl.lit(current)).otherwise(0).alias("plan_version"),
        )
        untold = _tell_journal(session, home, "skip", skips)
        added = campaigns.skip(session, campaign, contacts, reason, now)
    _acknowledge(home, untold)
    _put_back(home, ledger, [campaign], now, contacts["contact_id"])
    with ledger.session() as session:
        complete_campaigns(session, now)
    return added


def _refuse_unknown(campaign: StoredCampaign, ids: pl.Series, known: pl.DataFrame) -> None:
    unknown = ids.filter(~ids.is_in(known["contact_id"].implode()))
    if unknown.len():
        raise InputError(f"{campaign.name}: its list has no contact {', '.join(unknown)}; nobody was skipped")


@contextmanager
def _storing(ledger: Ledger) -> Iterator[Session]:
    """Yield a session of the ledger, and say what to do where the system keeps it from being stored."""
    try:
        with ledger.session() as session:
            yield session
    except (OSError, duckdb.Error) as error:
        raise WorkError(
            f"the change could not be stored: {error}; mend that and try again, "
            "and end every dispatcher where nobody may be called meanwhile"
        ) from error


def _tell_journal(session: Session, home: Home, kind: str, rows: pl.DataFrame) -> Exception | None:
    """Have an older copy of the ledger learn of a change; return what kept the journal from being told.

    This comes before the commit: a skip or a stop too many calls nobody. One that cannot be told is stored
    all the same where the ledger can be: what forbids calls must not wait for a damaged journal. To one of
    which the end is lost nothing is added: it would no longer be seen that dials are missing.
    """
    if rows.is_empty():
        return None
    journal = Journal(home.journal)
    try:
        journal.entries_after(int(session.read("find_version")["journal_sequence"].item()))
        with journal.writing() as page:
            page.add(kind, rows)
    except (OSError, WorkError) as error:
        return error
    return None


def _acknowledge(home: Home, untold: Exception | None) -> None:
    """Wait until no call can start that the change forbids, and say what is missing, all at once."""
    stuck = "; ".join(
        f"{owner} {'is stopped' if owner.is_stopped else 'does not answer'}"
        for owner in wait_for_slices(home, WAITS)
    )
    problems = []
    if stuck:
        problems.append(
            f"the change is stored, but not acknowledged: {stuck}, and may still send the calls it has in "
            "hand; end that process to be sure"
        )
    if untold is not None:
        problems.append(
            "the change is stored, but an older copy of the ledger would not learn of it, because the dial "
            f"journal could not be told: {untold}"
        )
    if problems:
        raise UnacknowledgedError(*problems) from untold


def wait_for_slices(home: Home, waits: timedelta) -> list[Living]:
    """Wait until every living dispatcher is between two slices, and return those that are not in time."""
    return [
        owner for owner in living(home.owners) if not lets_go_of_its_slice(home.owners, owner.owner_id, waits)
    ]


def _put_back(
    home: Home,
    ledger: Ledger,
    changed: list[StoredCampaign],
    now: datetime,
    contacts: pl.Series | None = None,
) -> int:
    """Put back the claims that were not noted, and return how many calls are in flight.

    A campaign that somebody has resumed or paused once more meanwhile is left alone: who has its claims in
    hand may dial them, and whoever paused it last puts them back.
    The journal is told after the commit, lest claims go back by it that are dialled by then.
    """
    journal, in_flight, put_back = Journal(home.journal), 0, [ANSWERS.to_frame()]
    why = "its campaign was held back" if contacts is None else "the contact was skipped"
    try:
        with ledger.session() as session:
            apply_journal(session, journal, now)
            for campaign in changed:
                of: dict[str, Any] = {"campaign_id": campaign.campaign_id}
                stopped_at = now if contacts is None else None
                claims = session.read("list_claims_of_campaign", **of, stopped_at=stopped_at)
                if contacts is not None:
                    claims = claims.filter(pl.col("contact_id").is_in(contacts.implode()))
                put_back.append(answers_alike(claims, UNSENT, why, now))
                give_back(session, put_back[-1], now)
                in_flight += int(session.read("count_in_flight", **of).item())
        answers = pl.concat(put_back)
        if not answers.is_empty():
            with journal.writing() as page:
                page.add("answer", answers)
    except (OSError, WorkError, duckdb.Error) as error:
        raise UnacknowledgedError(
            "the change is stored, and no call that it forbids starts any more, but what was claimed could "
            f"not be put back, or the dial journal not be told of that: {error}"
        ) from error
    return in_flight
