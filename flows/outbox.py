"""What the dial journal has yet to be told of plans and settings, for older copies of the ledger to learn.

A change is committed first and told after: the ledger knows what it has not told. Should nobody get to
telling it, the next dispatcher does.
"""

from datetime import datetime

import duckdb

from flows.applying import apply_journal
from flows.errors import WorkError
from flows.home import Home
from flows.journal import Journal
from flows.ledger import Ledger, Session
from flows.progress import Progress

_AT_ONCE = 10
"""How many campaigns an entry is about at most: with thousands of numbers and dates one takes some 200 KB."""


def tell_journal(session: Session, journal: Journal, now: datetime) -> None:
    """Tell the journal of all changes that it does not know.

    What it knows and the ledger does not is applied before, so that nothing newer is told over.

    Raises:
        OSError, WorkError: it could not be told.
    """
    if session.read("list_untold").is_empty():
        return
    apply_journal(session, journal, now)
    untold = session.read("list_untold")
    with journal.writing() as page:
        for changes in untold.iter_slices(_AT_ONCE):
            page.add("change", changes, synced=True)
    session.write("set_told", ("told", untold))
    apply_journal(session, journal, now)  # the ledger then sees it where the journal loses its end


def tell_soon(home: Home, ledger: Ledger, now: datetime, progress: Progress) -> None:
    """Tell the journal of a change that is stored; where that fails, say so and leave it to a dispatcher."""
    try:
        with ledger.session() as session:
            tell_journal(session, Journal(home.journal), now)
    except (OSError, WorkError, duckdb.Error) as error:
        progress(f"the dial journal could not be told of the change yet: {error}")
