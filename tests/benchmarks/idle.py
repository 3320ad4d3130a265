"""A dispatcher that has nothing to do, beside a large campaign that is planned for later."""

import time
from datetime import UTC, datetime, timedelta

from flows.campaigns import create_campaign
from flows.clock import SystemClock
from flows.contact_store import SourceFile, open_contacts
from flows.dialers.simulated import SimulatedDialer
from flows.dispatcher import Dispatcher
from flows.home import Home
from flows.ledger import Ledger
from flows.owners import Owner
from flows.pools import ThreadPool
from flows.scheduling import schedule
from tests.people import contacts
from transforms.campaign import Campaign
from transforms.schemas import REJECTS


def idle_ticks(home: Home, planned: int, ticks: int) -> list[float]:
    """Return the milliseconds of each of ``ticks``, in the order they were made."""
    now = datetime.now(UTC)
    campaign = Campaign.from_mapping(
        {
            "name": "Later",
            "agent_id": "agent",
            "contact_list": "people",
            "dialer": "simulated",
            "phone_numbers": ["+12125550190"],
            "schedule_type": "scheduled",
            "scheduled_at": (now + timedelta(days=2)).isoformat(),
        }
    )
    with open_contacts(home) as store:
        people = contacts(planned).collect()
        store.add("people", SourceFile("people.csv", "1", "{}"), people, REJECTS.to_frame(), now)
        store.publish_snapshot("people")
    ledger = Ledger(home.ledger)
    schedule(home, ledger, create_campaign(ledger, campaign, now), now)
    clock = SystemClock()
    spent = []
    with Owner(home.owners, ledger, clock) as owner:
        pool = ThreadPool(clock)
        dispatcher = Dispatcher(home, ledger, clock, {"simulated": SimulatedDialer()}, pool, owner)
        dispatcher.tick()  # the first one stages
        for _ in range(ticks):
            begun = time.perf_counter()
            dispatcher.tick()
            spent.append((time.perf_counter() - begun) * 1e3)
    return spent
