"""What pausing, cancelling and skipping keep from being called."""

from datetime import timedelta

import pytest

from flows import campaigns, pausing
from flows.abandoned import take_over
from flows.dialers.dialer import answers_alike
from flows.dialers.simulated import SimulatedDialer
from flows.errors import InputError, WorkError
from flows.journal import Journal
from flows.owners import Owner
from flows.pausing import UnacknowledgedError
from flows.placing import notes
from flows.pools import SteppedPool
from flows.standing import standing
from tests.people import contacts
from tests.world import DAY, START, World

MINUTE = timedelta(minutes=1)


def test_a_paused_campaign_places_no_call_and_goes_on_when_resumed(home):
    world = World(home, contacts(10))
    world.run(START + timedelta(hours=2))
    made = world.calls.height
    assert made == 3
    world.pause()
    world.run(START + timedelta(hours=2, minutes=50))
    assert world.calls.height == made
    assert world.state == "paused"
    world.clock.wait_until(START + timedelta(hours=2, minutes=50))
    assert campaigns.resume(world.ledger, world.campaign_id, world.clock.now()) == "active"
    world.run(START + timedelta(hours=6, minutes=50))
    # The slot of c3 passed while the campaign was paused, so it was planned anew.
    calls = {row["contact_id"]: row for row in world.calls.to_dicts()}
    assert len(calls) == 10
    assert calls["c3"]["plan_version"] == 2
    assert calls["c3"]["scheduled_at"] >= START + timedelta(hours=2, minutes=50)


def _staged(world):
    """Return what is staged of each campaign, live or not."""
    return dict(world.ledger._kept.execute("select campaign_id, count(*) from slot group by all").fetchall())


def test_nothing_more_is_staged_of_a_paused_campaign_until_it_is_resumed(home):
    world = World(home, contacts(6), end_time="12:00")
    world.load(contacts(3), "others.csv", "others")
    world.add_campaign(end_time="12:00", contact_list="others")
    world.run(START)
    staged = _staged(world)[world.campaign_id]
    world.pause()
    world.run(START + timedelta(minutes=90))
    assert _staged(world)[world.campaign_id] == staged
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 3 * DAY)
    assert world.calls["contact_id"].n_unique() == world.calls.height == 6
    late = world.calls["noted_at"] - world.calls["scheduled_at"]
    assert late.max() < campaigns.LATE_LIMIT
    assert world.state == "completed"


def test_a_campaign_that_has_ended_leaves_nothing_on_the_stage(home):
    world = World(home, contacts(4), end_time="10:20")
    failing = world.add_campaign(end_time="10:20")
    skipping = world.add_campaign(end_time="10:20")
    world.run(START)
    assert set(_staged(world)) == {world.campaign_id, failing, skipping}
    claimed_by = Owner(home.owners, world.ledger, world.clock)
    world.clock.wait_until(START)
    world.claim(claimed_by)
    pausing.cancel(home, world.ledger, world.campaign_id, world.clock.now())
    campaigns.fail(world.ledger, failing, "no plan", world.clock.now())
    claimed_by.let_go()
    assert take_over(home.owners, world.ledger, Journal(home.journal), "another", START) == 2
    assert set(_staged(world)) == {skipping}
    everybody = contacts(4).select("contact_id", is_planned=True).collect()
    with world.ledger.session() as session:
        campaigns.skip(session, campaigns.find_campaign(session, skipping), everybody, "no", START)
    assert world.state_of(skipping) == "completed"
    assert _staged(world) == {}


def test_pausing_before_the_first_slot_gives_scheduled_again(home):
    world = World(home, contacts(3))
    world.pause()
    assert campaigns.resume(world.ledger, world.campaign_id, world.clock.now()) == "scheduled"


@pytest.mark.parametrize("pauses", [pausing.pause, lambda *given: pausing.pause_all(*given[:2], given[3])])
def test_who_is_paused_once_more_keeps_the_reason_and_claims_go_back(home, pauses):
    world = World(home, contacts(4))
    world.clock.wait_until(START)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.claim(owner)
        with world.ledger.session() as session:  # as where the provider refuses
            found = campaigns.find_campaign(session, world.campaign_id)
            campaigns.set_state(session, found, "paused", START, "no credit")
        world.clock.wait_until(START + MINUTE)
        held = pauses(home, world.ledger, world.campaign_id, START + MINUTE)
        assert ([campaign.state for campaign in held.campaigns], held.in_flight) == (["paused"], 0)
    assert world.calls.is_empty()
    row = standing(home, world.ledger, START + MINUTE).campaigns.row(0, named=True)
    assert (row["state"], row["reason"]) == ("paused", "no credit")
    with world.ledger.session() as session:
        told = session.read("list_campaign_changes", after=START - MINUTE)["to_state"].to_list()
    assert told.count("paused") == 1
    assert [entry.kind for entry in Journal(home.journal).entries_after(0)].count("stop") == 1
    assert campaigns.resume(world.ledger, world.campaign_id, world.clock.now()) == "active"
    world.run(START + DAY)
    assert world.state == "completed"


@pytest.mark.parametrize("copied", [False, True])
def test_a_resume_that_was_ordered_before_the_last_pause_is_refused(home, copied):
    world = World(home, contacts(4))
    world.pause()
    copy = world.older_copy()
    at = world.clock.now() + MINUTE
    world.clock.wait_until(at)
    for paused_at in (at, at - MINUTE / 4):  # of two at once the later one counts
        pausing.pause(home, world.ledger, world.campaign_id, paused_at)
    if copied:  # an older ledger learns of it from the journal
        world.ledger = copy
        world.run(at)
    with pytest.raises(WorkError, match="paused after this was ordered"):
        campaigns.resume(world.ledger, world.campaign_id, at + MINUTE, at - MINUTE / 8)
    assert world.state == "paused"
    assert campaigns.resume(world.ledger, world.campaign_id, at + MINUTE, at) == "scheduled"


def test_a_skipped_contact_is_never_called_and_the_campaign_completes(home):
    world = World(home, contacts(4))
    world.skip("c1", "c3")
    world.run(START + DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c2"]
    assert world.state == "completed"


def test_skipping_somebody_who_is_not_planned_does_not_count_as_a_call(home):
    world = World(home, contacts(3, ["Mars/Base", None]), contact_timezone="contact")
    world.skip("c0")
    assert world.state == "scheduled"
    world.run(START + DAY)
    assert world.calls["contact_id"].to_list() == ["c1"]
    assert world.state == "completed"


def test_a_cancelled_campaign_calls_nobody(home):
    world = World(home, contacts(4))
    pausing.cancel(world.home, world.ledger, world.campaign_id, world.clock.now())
    world.run(START + DAY)
    assert world.calls.is_empty()
    with pytest.raises(InputError, match="is cancelled"):
        pausing.cancel(world.home, world.ledger, world.campaign_id, world.clock.now())


def _damage_the_journal(home):
    (file,) = home.journal.glob("*.jsonl")
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)


def _have_it_not_be_locked(home):
    (home.journal / ".lock").unlink()
    (home.journal / ".lock").mkdir()


def _lose_the_journal(home):
    for file in home.journal.glob("*.jsonl"):
        file.unlink()


def test_nothing_is_added_to_a_journal_that_was_lost(home):
    world = World(home, contacts(3))
    world.run(START + timedelta(minutes=1))
    _lose_the_journal(home)
    for _ in range(5):
        with pytest.raises(UnacknowledgedError, match="the dial journal ends with entry 0"):
            world.skip("c2")
    assert not list(home.journal.glob("*.jsonl"))
    with pytest.raises(WorkError, match="the dial journal ends with entry 0"):
        world.run(START + DAY)


@pytest.mark.parametrize("hinder", [_damage_the_journal, _have_it_not_be_locked, _lose_the_journal])
@pytest.mark.parametrize(
    ("stop", "state"),
    [(World.pause, "paused"), (World.cancel, "cancelled"), (lambda world: world.skip("c1"), "active")],
)
def test_what_forbids_calls_is_stored_where_the_journal_cannot_be_told(home, hinder, stop, state):
    world = World(home, contacts(2))
    world.run(START + timedelta(minutes=1))
    hinder(home)
    with pytest.raises(UnacknowledgedError, match="the change is stored, but an older copy"):
        stop(world)
    assert world.state == state
    if state == "active":
        assert world.read("list_skips", campaign_id=world.campaign_id)["contact_id"].to_list() == ["c1"]


class Taken(SteppedPool):
    """A pool that takes batches, for the test to step."""

    def __init__(self, clock):
        super().__init__(clock)
        self.batches = []

    def start(self, batch):
        self.batches.append(batch)


class Counting(SimulatedDialer):
    """A dialer that remembers whom it was to call."""

    def __init__(self):
        super().__init__(5)
        self.sent = []

    def send(self, requests, now):
        self.sent += requests["contact_id"].to_list()
        return super().send(requests, now)


def test_a_resume_before_claims_were_put_back_has_nobody_dialled_twice(home, monkeypatch):
    dialer = Counting()
    world = World(home, contacts(1200), dialer, end_time="10:10", max_concurrent_calls=1000)
    world.clock.wait_until(START + timedelta(seconds=10))
    owners = [Owner(home.owners, world.ledger, world.clock) for _ in range(2)]
    first, second = (world.dispatcher(owner, Taken, reach=timedelta(seconds=1)) for owner in owners)
    first.tick()
    (batch,) = first._pool.batches
    acknowledge = pausing._acknowledge

    def resumed_then(*arguments):
        acknowledge(*arguments)
        world.clock.wait_until(world.clock.now() + timedelta(milliseconds=1))
        campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
        batch.step(world.clock.now())  # it looks, and may go on with what is due later
        world.clock.wait_until(world.clock.now() + timedelta(milliseconds=1))

    with monkeypatch.context() as context:
        context.setattr(pausing, "_acknowledge", resumed_then)
        world.pause()
    second.tick()
    for _ in range(40):
        world.clock.wait_until(world.clock.now() + timedelta(milliseconds=50))
        for taken in (batch, *second._pool.batches):
            taken.step(world.clock.now())
    assert len(dialer.sent) > 10
    assert len(set(dialer.sent)) == len(dialer.sent)


@pytest.mark.parametrize(
    "deeds", ["edit, skip, answer", "skip, edit, answer", "skip, answer", "edit, answer, skip"]
)
def test_a_call_that_goes_back_to_somebody_who_was_skipped_counts_as_done(home, deeds):
    world = World(home, contacts(4))
    world.clock.wait_until(START)
    do = {
        "edit": lambda: world.update(end_time="16:00"),
        "skip": lambda: world.skip("c0"),
        "answer": lambda: world.tell("answer", answers_alike(call, "limited", "too many", START)),
    }
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.claim(owner)
        call = world.read("copy_call")
        (lease_id,) = call["lease_id"]
        world.tell("note", notes(world.read("list_claimed", lease_id=lease_id), START))
        for deed in deeds.split(", "):
            do[deed]()
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == ["c1", "c2", "c3"]
    assert world.state == "completed"
