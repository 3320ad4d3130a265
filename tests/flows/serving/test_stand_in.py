"""The stand-in places calls without a server, and leaves when whoever comes next may have the turn."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.campaigns import create_campaign
from flows.clock import SystemClock
from flows.contact_loading import load_list
from flows.file_locks import is_locked, try_lock
from flows.home import Home
from flows.ledger import Ledger
from flows.scheduling import schedule
from flows.turns import Turns
from tests.people import campaign
from tests.ui.running import wait_for


@pytest.fixture
def home(tmp_path):
    """A store with a campaign that has a call every ten seconds from now on."""
    store = Home(tmp_path / "store").make()
    people = tmp_path / "people.csv"
    people.write_text("id,phone\n" + "".join(f"c{place},+12125550{100 + place}\n" for place in range(30)))
    now = datetime.now(UTC)
    load_list(store, people, "people", None, {}, now)
    settings = campaign(
        contact_list="people",
        timezone="UTC",
        schedule_type="immediate",
        start_time="00:00",
        end_time="24:00",
        working_days=[1, 2, 3, 4, 5, 6, 7],
        ends_at=(now + timedelta(minutes=5)).isoformat(),
    )
    ledger = Ledger(store.ledger)
    schedule(store, ledger, create_campaign(ledger, settings, now), now)
    return store


def _begun(home, log):
    environment = os.environ | {
        "CALLPLAN_HOME": str(home.path),
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "PREFECT_API_URL": "http://127.0.0.1:9/api",  # nobody answers there
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flows.serving.stand_in"], env=environment, stdout=log, stderr=log
    )


def _calls(home):
    with Ledger(home.ledger).session() as session:
        return session.read("copy_call").height


def test_it_places_calls_without_a_server_and_leaves_when_asked(home, tmp_path):
    with (tmp_path / "log").open("wb") as log, _begun(home, log) as process:
        try:
            wait_for(lambda: _calls(home) > 0, 120, "a call")
            with Turns(home.turns, SystemClock()).closed():
                assert process.wait(60) == 0, (tmp_path / "log").read_text()
        finally:
            process.kill()
    assert not is_locked(home.turns / "turn.lock")


def test_it_leaves_at_once_where_a_run_waits_for_its_turn_already(home, tmp_path):
    assert not Turns(home.turns, SystemClock()).somebody_waits()
    queue = try_lock(home.turns / "queue.lock")
    with (tmp_path / "log").open("wb") as log, _begun(home, log) as process:
        assert process.wait(60) == 0
    os.close(queue)
    assert _calls(home) == 0
