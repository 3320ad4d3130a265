"""Inquiries: learning how calls stand, within what the providers' limits leave beside placing calls."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from flows.dialers.dialer import CALLS, REPORTS, Dialer, Exchange
from flows.journal import Journal
from transforms.schemas import INSTANT

ASK_EVERY = timedelta(minutes=1)
"""How often a call in progress is asked about."""

CLOSE_GRACE = timedelta(minutes=5)
"""How long after its deadline a call waits for the provider's last word."""

MOST_ASKED = 200
"""How many calls one inquiry asks about: the first replies come in before the last request leaves."""

_CALL = ["campaign_id", "contact_id", "attempt"]
_ASKED = pl.Schema({**{name: CALLS[name] for name in _CALL}, "asked_at": INSTANT})


class Inquiries:
    """The inquiries of one dispatcher: whom it has asked about, and when."""

    def __init__(self, journal: Journal, dialers: Mapping[str, Dialer]) -> None:
        self._journal = journal
        self._dialers = dialers
        self._open: dict[str, Exchange] = {}
        self._asked = _ASKED.to_frame()

    def take_in(self, now: datetime) -> bool:
        """Write to the journal what came back, and return whether there was news."""
        replies = [exchange.replies(now) for exchange in self._open.values()]
        self._open = {name: exchange for name, exchange in self._open.items() if exchange.is_open}
        news = pl.concat([REPORTS.to_frame(), *replies])
        if not news.is_empty():
            with self._journal.writing() as page:
                page.add("report", news)
        return not news.is_empty()

    def ask(self, calls: pl.DataFrame, now: datetime, due_soon: int) -> None:
        """Ask about ``calls`` (``CALLS`` and ``dialer``) that nobody asked about lately.

        ``due_soon`` calls fall due within a minute and have the first claim on the provider's limit.
        """
        self._asked = self._asked.join(calls, on=_CALL, how="semi")
        waiting = _in_turn(calls.join(self._asked, on=_CALL, how="left", maintain_order="left"), now)
        for (name,), of_dialer in waiting.group_by("dialer", maintain_order=True):
            if str(name) in self._dialers and str(name) not in self._open:
                self._ask(str(name), of_dialer.head(MOST_ASKED), now, due_soon)

    def _ask(self, name: str, calls: pl.DataFrame, now: datetime, due_soon: int) -> None:
        dialer = self._dialers[name]
        budget = dialer.budget
        if budget is not None:
            calls = calls.head(budget.take_to_ask(calls.height, now, due_soon))
        if calls.is_empty():
            return
        asked = calls.select(*_CALL, asked_at=pl.lit(now, INSTANT))
        self._asked = pl.concat([self._asked, asked]).unique(_CALL, keep="last", maintain_order=True)
        self._open[name] = dialer.look_up(calls.select(CALLS.names()), now)

    def asked_lately(self, now: datetime) -> pl.DataFrame:
        """Return the calls that were asked about within two rounds and whose replies are in."""
        if self._open:
            return self._asked.clear().select(_CALL)
        return self._asked.filter(pl.col("asked_at") > now - 2 * ASK_EVERY).select(_CALL)

    def wakes_at(self, now: datetime) -> datetime:
        """Return when there may be news of calls in flight, or one of them to ask about again."""
        moments = [exchange.wakes_at(now) for exchange in self._open.values()]
        first = self._asked["asked_at"].min()
        if isinstance(first, datetime) and first + ASK_EVERY > now:
            moments.append(first + ASK_EVERY)
        return min(moments, default=now + ASK_EVERY)


def _in_turn(calls: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the calls that nobody asked about lately, first those past their deadline, closed soon.

    The others come by how long ago they were asked about, and by a lot that is drawn anew every minute: the
    next dispatcher does not know whom this one asked, and those who never end would be first for ever.
    """
    lot = pl.col("provider_call_id").hash(int(now.timestamp()) // 60)
    is_waiting = pl.col("asked_at").is_null() | (pl.col("asked_at") <= now - ASK_EVERY)
    order = [pl.col("is_overdue").not_(), pl.col("asked_at"), lot]
    return calls.filter(is_waiting).sort(order, nulls_last=False)
