"""What the dial journal has yet to be told of plans and settings, for older copies of the ledger to learn.

A change is committed first and told after: the ledger knows what it has not told. Should nobody get to
telling it, the next dispatcher does.
"""

import duckdb

from flows.applying import refuse_outdated
from flows.errors import WorkError
from flows.home import Home
from flows.journal import Journal
from flows.ledger import Ledger, Session
from flows.progress import Progress

_AT_ONCE = 50
"""How many campaigns an entry is about at most: settings with thousands of dates take some 50 KB."""


def tell_journal(session: Session, journal: Journal) -> None:
    """Tell the journal of all changes that it does not know; the session has applied its entries before.

    Raises:
        OSError, WorkError: it could not be told.
    """
    untold = session.read("list_untold")
    if untold.is_empty():
        return
    with journal.writing() as page:
        for changes in untold.iter_slices(_AT_ONCE):
            page.add("change", changes, synced=True)
    session.write("set_told", ("told", untold))


def tell_soon(home: Home, ledger: Ledger, progress: Progress) -> None:
    """Tell the journal of a change that is stored; where that fails, say so and leave it to a dispatcher."""
    journal = Journal(home.journal)
    try:
        with ledger.session() as session:
            refuse_outdated(session, journal)
            tell_journal(session, journal)
    except (OSError, WorkError, duckdb.Error) as error:
        progress(f"the dial journal could not be told of the change yet: {error}")
