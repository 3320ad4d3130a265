"""A store with a list, a campaign and a dispatcher in simulated time, for tests."""

from datetime import UTC, datetime, timedelta

import polars as pl

from flows import pausing, scheduling
from flows.applying import apply_journal
from flows.archiving import past_calls
from flows.campaigns import LATE_LIMIT, create_campaign, find_campaign
from flows.clock import SimulatedClock
from flows.contact_store import SourceFile, open_contacts
from flows.dialers.simulated import SimulatedDialer
from flows.dispatcher import Dispatcher
from flows.journal import Journal
from flows.ledger import Ledger
from flows.owners import Owner
from flows.pools import SteppedPool
from flows.recovering import recover
from flows.replaying import verify
from flows.scheduling import schedule
from flows.standing import calls_of
from tests.people import campaign
from transforms.schemas import REJECTS

START = datetime(2026, 3, 23, 14, tzinfo=UTC)  # Monday, 10:00 in New York
DAY = timedelta(days=1)
AT_ITS_SLOT = timedelta()


class Chosen(SimulatedDialer):
    """A dialer whose calls last a minute and end as a rule says, from contact and attempt to an outcome."""

    def __init__(self, rule):
        super().__init__()
        self.rule = rule

    def ended(self, calls, now):
        ended = calls.filter(pl.col("noted_at") + timedelta(minutes=1) <= now)
        outcomes = [self.rule(*row) for row in ended.select("contact_id", "attempt").iter_rows()]
        return ended.select(
            "campaign_id",
            "contact_id",
            "attempt",
            state=pl.Series(outcomes, dtype=pl.String),
            provider_status=pl.lit(None, pl.String),
            reported_at=pl.col("noted_at") + timedelta(minutes=1),
            reason=pl.lit(None, pl.String),
        )


class Kept(SteppedPool):
    """A pool that takes batches and never works on them."""

    def start(self, batch):
        pass


class World:
    """A store with a list, an in-memory ledger, a clock and a dispatcher."""

    def __init__(self, home, people, dialer=None, **settings):
        self.home, self.ledger = home, Ledger(None)
        self.clock = SimulatedClock(START - timedelta(hours=1))
        self.dialer = dialer or SimulatedDialer(5)
        self.load(people, "people.csv")
        self.campaign_id = self.add_campaign(**settings)

    def add_campaign(self, **settings):
        """Schedule a campaign and return its id."""
        settings = campaign(**{"scheduled_at": START.isoformat()} | settings)
        campaign_id = create_campaign(self.ledger, settings, self.clock.now())
        schedule(self.home, self.ledger, campaign_id, self.clock.now())
        return campaign_id

    def run(self, until, tick=None, reach=AT_ITS_SLOT):
        with Owner(self.home.owners, self.ledger, self.clock) as owner:
            return self.dispatcher(owner, reach=reach).run(until, tick)

    def dispatcher(self, owner, pool=SteppedPool, dialers=None, beside=None, reach=AT_ITS_SLOT):
        dialers = dialers or {"simulated": self.dialer}
        return Dispatcher(self.home, self.ledger, self.clock, dialers, pool(self.clock), owner, reach, beside)

    def claim(self, owner, dialers=None):
        """Have a dispatcher claim what is due and then do nothing more."""
        self.dispatcher(owner, Kept, dialers).tick()

    def tell(self, kind, rows):
        """Add an entry to the journal, and have the ledger learn of it."""
        journal = Journal(self.home.journal)
        with journal.writing() as page:
            page.add(kind, rows)
        with self.ledger.session() as session:
            apply_journal(session, journal, self.clock.now())

    def read(self, name, **parameters):
        with self.ledger.session() as session:
            return session.read(name, **parameters)

    @property
    def calls(self):
        """The calls that were claimed, closed days included, in scheduled_at order."""
        return self.calls_of(self.campaign_id)

    def calls_of(self, campaign_id):
        with self.ledger.session() as session:
            there = session.read("list_calls", campaign_id=campaign_id)
            past = past_calls(self.home, session, campaign_id).select(there.columns).collect()
        return pl.concat([past, there.cast(dict(past.schema))]).sort("scheduled_at")

    @property
    def stored(self):
        return self.stored_of(self.campaign_id)

    def stored_of(self, campaign_id):
        with self.ledger.session() as session:
            return find_campaign(session, campaign_id)

    @property
    def state(self):
        return self.state_of(self.campaign_id)

    def state_of(self, campaign_id):
        return self.stored_of(campaign_id).state

    def skip(self, *contacts):
        ids = pl.Series(contacts)
        pausing.skip(self.home, self.ledger, self.campaign_id, ids, "asked us to", self.clock.now())

    def pause(self):
        return pausing.pause(self.home, self.ledger, self.campaign_id, self.clock.now())

    def cancel(self):
        return pausing.cancel(self.home, self.ledger, self.campaign_id, self.clock.now())

    def held(self):
        due = self.read("list_due", now=self.clock.now(), late_limit=LATE_LIMIT)
        return due["held_because"].drop_nulls().to_list()

    def load(self, people, label, list_name="people"):
        with open_contacts(self.home) as store:
            source = SourceFile(label, label, "{}")
            store.add(list_name, source, people.collect(), REJECTS.to_frame(), self.clock.now())
            store.publish_snapshot(list_name)

    def update(self, **changes):
        options = {name: changes.pop(name) for name in ("keep", "dry_run") if name in changes}
        return scheduling.update(
            self.home, self.ledger, self.campaign_id, changes, self.clock.now(), **options
        )

    def schedule(self):
        return schedule(self.home, self.ledger, self.campaign_id, self.clock.now())

    @property
    def versions(self):
        return self.read("list_versions", campaign_id=self.campaign_id)

    @property
    def waiting(self):
        """The calls that are planned and not started, in scheduled_at order."""
        with self.ledger.session() as session:
            stored = find_campaign(session, self.campaign_id)
        return calls_of(self.home, self.ledger, stored).filter(pl.col("state") == "scheduled").collect()

    def recovered(self):
        """Recover the ledger into a file, go on with that, and return the campaign's row of status."""
        self.ledger.close()
        recover(self.home, self.clock.now())
        self.ledger = Ledger(self.home.ledger, keep_open=True)
        rows = self.read("list_campaigns")
        return rows.row(by_predicate=pl.col("campaign_id") == self.campaign_id, named=True)

    def older_copy(self):
        """Return a ledger that knows what the world's ledger, which is in memory, knows now."""
        file = self.home.path / "older.duckdb"
        Ledger(file)
        connection = self.ledger._kept
        connection.execute(f"attach '{file}' as older")
        tables = "select table_name from duckdb_tables() where database_name = 'memory'"
        for (table,) in connection.execute(tables).fetchall():
            connection.execute(f"delete from older.{table}")
            connection.execute(f"insert into older.{table} by name select * from memory.{table}")
        connection.execute("detach older")
        return Ledger(file, keep_open=True)

    def file(self, version):
        return self.home.plans / self.campaign_id / f"{version:06d}.parquet"


def proven(world):
    """Whether every version of the campaign holds every rule and is computed to the same bytes again."""
    found = [verify(world.home.plans / name, None, world.home) for name in world.versions["file"]]
    return all(verdict.holds and verdict.replayed for verdict in found)
