"""Further attempts are made after their delay, whatever comes between: edits, pauses, claims that go back."""

from datetime import timedelta

import polars as pl
import pytest

from flows import campaigns
from flows.applying import apply_journal
from flows.dialers.dialer import REPORTS, answers_alike
from flows.dialers.replied import Replied
from flows.journal import Journal
from flows.owners import Owner
from flows.placing import notes
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

pytestmark = pytest.mark.scenario

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Silent(Chosen):
    """A dialer that knows of no outcome while it is ``silent``."""

    silent = True

    def ended(self, calls, now):
        found = super().ended(calls, now)
        return found.clear() if self.silent else found


class Refusing(Chosen):
    """A dialer whose provider refuses first attempts for good, in its answer."""

    def send(self, requests, now):
        first = requests.filter(pl.col("attempt") == 1)
        if first.is_empty():
            return super().send(requests, now)
        return Replied(answers_alike(requests, "failed", "cannot be called now", now))


def _delays(**minutes):
    return {"max_attempts": 2, "delay_minutes": minutes}


def _last_is_busy(contact, attempt):
    return "busy" if (contact, attempt) == ("c2", 1) else "completed"


def _made(world):
    return [row for row in world.calls.select("contact_id", "attempt").rows() if row[1] > 1]


def test_an_edit_keeps_a_further_attempt_that_has_a_slot(home):
    world = World(home, contacts(3), Chosen(_last_is_busy), retry=_delays(busy=30), max_calls_per_day=3)
    world.run(START + 5.5 * HOUR)
    (waits,) = world.read("list_pending", campaign_id=world.campaign_id).to_dicts()
    assert (waits["contact_id"], waits["attempt"], waits["plan_version"]) == ("c2", 2, 2)
    world.update(end_time="16:00")
    world.run(START + 5 * DAY)
    assert _made(world) == [("c2", 2)]
    assert world.state == "completed"


def test_a_claimed_further_attempt_that_a_pause_gives_back_is_made_after_it(home):
    world = World(home, contacts(3), Chosen(_last_is_busy), retry=_delays(busy=30), max_calls_per_day=3)
    world.run(START + DAY - MINUTE)
    world.clock.wait_until(START + DAY)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.claim(owner)
        assert _made(world) == [("c2", 2)]
        world.pause()
        assert _made(world) == []
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 5 * DAY)
    assert _made(world) == [("c2", 2)]
    assert world.state == "completed"


def test_who_failed_in_the_answer_is_tried_again(home):
    world = World(home, contacts(2), Refusing(lambda *_: "completed"), retry=_delays(failed=30))
    world.run(START + 3 * DAY)
    assert world.calls.sort("contact_id", "attempt").select("contact_id", "attempt", "state").rows() == [
        ("c0", 1, "failed"),
        ("c0", 2, "completed"),
        ("c1", 1, "failed"),
        ("c1", 2, "completed"),
    ]


def _is_late(world):
    """Have somebody's slot be missed, so that others are planned anew before their delay is over."""
    world.clock.wait_until(world.waiting["scheduled_at"].max() + 10 * MINUTE)


@pytest.mark.parametrize("meanwhile", [_is_late, lambda world: world.update(end_time="16:00")])
def test_what_is_planned_anew_meanwhile_does_not_shorten_a_delay(home, meanwhile):
    busy = Chosen(lambda contact, attempt: "busy" if (contact, attempt) == ("c0", 1) else "completed")
    world = World(home, contacts(3), busy, retry=_delays(busy=2 * 1440))
    world.run(START + HOUR)
    meanwhile(world)
    world.run(START + 5 * DAY)
    first, again = world.calls.filter(contact_id="c0").sort("attempt").iter_rows(named=True)
    assert again["noted_at"] >= first["finished_at"] + 2 * DAY
    assert world.calls["contact_id"].n_unique() == 3


def test_a_call_under_way_when_its_campaign_is_cancelled_gets_its_outcome_and_no_further_attempt(home):
    dialer = Silent(lambda *_: "busy")
    world = World(home, contacts(3), dialer, retry=_delays(busy=30))
    world.run(START + MINUTE)
    world.cancel()
    dialer.silent = False
    world.run(START + 3 * DAY)
    assert world.calls.select("contact_id", "attempt", "state").rows() == [("c0", 1, "busy")]
    assert world.read("list_pending", campaign_id=world.campaign_id).is_empty()
    assert world.state == "cancelled"


def test_a_call_under_way_in_a_paused_campaign_gets_its_outcome_while_it_is_paused(home):
    dialer = Silent(lambda *_: "completed")
    world = World(home, contacts(3), dialer, max_call_minutes=10)
    world.run(START + MINUTE)
    world.pause()
    dialer.silent = False
    world.run(START + HOUR)
    assert world.calls["state"].to_list() == ["completed"]
    assert world.state == "paused"


def test_of_two_outcomes_that_come_at_once_the_first_counts(home):
    dialer = Silent(lambda *_: "busy")
    world = World(home, contacts(1), dialer)
    world.clock.wait_until(START)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.claim(owner)
        (lease_id,) = world.read("copy_call")["lease_id"]
        world.tell("note", notes(world.read("list_claimed", lease_id=lease_id), START))
        world.tell("answer", dialer.send(world.read("copy_call"), START).replies(START))
        call = world.read("copy_call").select("campaign_id", "contact_id", "attempt")
        journal = Journal(home.journal)
        for state in ("voicemail", "completed"):
            said = call.with_columns(
                state=pl.lit(state), provider_status=pl.lit(state), reported_at=START, reason=None
            )
            with journal.writing() as page:
                page.add("report", said.cast(dict(REPORTS)))
        with world.ledger.session() as session:
            apply_journal(session, journal, START + MINUTE)
    assert world.calls["state"].to_list() == ["voicemail"]
