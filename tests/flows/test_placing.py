"""A batch looks again just before each note: what may no longer be dialled is not."""

from datetime import timedelta
from itertools import pairwise

import polars as pl
import pytest

from flows.budget import RequestBudget
from flows.campaigns import resume
from flows.dialers.dialer import REPORTS, answers_alike
from flows.dialers.replied import Replied
from flows.dialers.simulated import SimulatedDialer
from flows.owners import Owner
from flows.placing import Batch, notes
from flows.pools import SteppedPool
from flows.settling import settle
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

pytestmark = pytest.mark.scenario

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class _Recording(SimulatedDialer):
    """Keeps what it sent: ``contact_id``, ``replays`` and when."""

    def __init__(self):
        super().__init__(5)
        self.sent, self.not_after = [], []

    def send(self, requests, now):
        self.not_after += requests["not_after"].to_list()
        self.sent += [(*row, now) for row in requests.select("contact_id", "replays").iter_rows()]
        return super().send(requests, now)


def _edited_over_a_claim(home, tmp_path, until):
    """Return a world in which c0 was claimed and held by a limit when an edit moved the hours to 15:00."""
    world = World(home, contacts(3), dialer=_Recording())
    world.dialer.budget = RequestBudget(tmp_path / "budget.json", 100)
    world.dialer.budget.hold(START + 4 * MINUTE, START)
    edits = []

    def leaves(at):
        if at > START + MINUTE and not edits:
            assert world.calls["contact_id"].to_list() == ["c0"]
            edits.append(world.update(start_time="15:00", end_time="17:00"))
        return False

    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner).run(until, SECOND * 10, leaves)
    assert edits
    return world


def test_a_claim_is_not_dialled_once_an_edit_has_replaced_its_version(home, tmp_path):
    world = _edited_over_a_claim(home, tmp_path, START + 2 * MINUTE)
    world.run(START + 10 * HOUR)
    opened_at = START + 5 * HOUR
    assert {contact for contact, *_ in world.dialer.sent} == {"c0", "c1", "c2"}
    assert all(at >= opened_at for *_, at in world.dialer.sent)
    assert world.state == "completed"


def test_a_recovered_ledger_knows_of_a_claim_that_went_back_over_an_edit(home, tmp_path):
    world = _edited_over_a_claim(home, tmp_path, START + MINUTE + 30 * SECOND)
    world.pause()
    assert world.calls.is_empty()
    assert world.recovered()["contact_count"] == 3
    resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert sorted(world.calls["contact_id"]) == ["c0", "c1", "c2"]
    assert world.state == "completed"


def test_a_further_attempt_that_goes_back_is_not_made_once_an_edit_allows_fewer(home, tmp_path):
    busy = Chosen(lambda contact, _: "busy" if contact == "c0" else "completed")
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 30}}
    world = World(home, contacts(2), dialer=busy, retry=retry)
    busy.budget = RequestBudget(tmp_path / "budget.json", 100)
    world.run(START + 30 * MINUTE)
    edits = []

    def leaves(at):
        if not edits and not world.calls.filter(pl.col("attempt") == 2).is_empty():
            edits.append(world.update(retry={"max_attempts": 1}))
        elif not edits:
            busy.budget.hold(at + 2 * MINUTE, at)
        return False

    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner).run(START + HOUR, SECOND * 10, leaves)
    assert edits
    world.run(START + 10 * HOUR)
    assert world.calls.select("contact_id", "attempt").rows() == [("c0", 1), ("c1", 1)]
    assert world.state == "completed"


class _Unclear(_Recording):
    """Nobody can tell what became of its calls, for as long as keys live."""

    keys_live = timedelta(minutes=10)

    def send(self, requests, now):
        super().send(requests, now)
        return Replied(answers_alike(requests, "unknown", "no answer", now))

    def look_up(self, calls, now):  # noqa: ARG002
        return Replied(REPORTS.to_frame())


class _Limited(_Recording):
    """Takes no call on, the first two times."""

    def send(self, requests, now):
        taken_on = super().send(requests, now)
        too_early = answers_alike(requests, "limited", "HTTP 429", now)
        return Replied(too_early) if len(self.sent) <= 2 else taken_on


def test_no_request_leaves_once_its_call_is_closed(home):
    world = World(home, contacts(1), dialer=_Recording(), max_call_minutes=2)
    world.run(START + HOUR)
    assert world.dialer.not_after == [START + 2 * MINUTE]


def test_no_repeated_dial_leaves_once_its_call_is_closed(home):
    world = World(home, contacts(1), dialer=_Unclear(), max_call_minutes=5)
    world.run(START + HOUR)
    assert [replays for _, replays, _ in world.dialer.sent] == [False, True, True]
    assert set(world.dialer.not_after) == {START + 5 * MINUTE}


def test_a_batch_that_was_begun_as_a_signal_came_sends_nothing_once_its_dispatcher_is_gone(home):
    class Interrupted(SteppedPool):
        def start(self, batch):
            begun.append(batch)
            raise KeyboardInterrupt

    begun = []
    world = World(home, contacts(1), dialer=_Recording())
    world.clock.wait_until(START)
    with (
        pytest.raises(KeyboardInterrupt),
        Owner(home.owners, world.ledger, world.clock) as owner,
    ):
        world.dispatcher(owner, Interrupted).run(START + MINUTE)
    (batch,) = begun
    assert batch.step(world.clock.now()) is None
    assert not world.dialer.sent
    world.run(START + HOUR)
    assert [contact for contact, *_ in world.dialer.sent] == ["c0"]


def test_many_calls_that_are_due_at_once_leave_in_slices(home):
    world = World(home, contacts(250), dialer=_Recording(), max_concurrent_calls=250)
    world.clock.wait_until(START)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.claim(owner)
        due = world.read("copy_call")
        lease = world.read("list_claimed", lease_id=due["lease_id"][0])
        at_once = pl.concat([lease.head(1)] * 250).with_columns(
            contact_id=pl.format("c{}", pl.int_range(250))
        )
        batch = Batch(world.dispatcher(owner)._line, world.dialer, at_once, world.ledger.changes.number())
        sent, wakes_at = [], world.clock.now()
        while wakes_at is not None and len(world.dialer.sent) < 250:
            wakes_at = batch.step(world.clock.now())
            sent.append(len(world.dialer.sent))
            world.clock.wait_until(wakes_at or world.clock.now())
    assert sorted(set(sent)) == [100, 200, 250]


def test_calls_that_came_back_are_not_counted_as_placed(home):
    world = World(home, contacts(3), dialer=_Limited())
    tally = world.run(START + 10 * HOUR)
    assert len(world.dialer.sent) == 5
    assert (tally.placed, tally.finished) == (3, 3)


def _settle(world, deadline_at):  # noqa: ARG001
    settle(world.home, world.ledger, world.campaign_id, "c0", "completed", world.clock.now())


def _wait_for_the_deadline(world, deadline_at):
    world.clock.wait_until(deadline_at)


@pytest.mark.parametrize(
    ("meanwhile", "sent"),
    [(lambda *_: None, 1), (_settle, 0), (_wait_for_the_deadline, 0), (lambda world, _: world.pause(), 0)],
)
def test_a_dial_is_not_repeated_once_its_call_has_ended_or_is_about_to_or_is_held_back(home, meanwhile, sent):
    world = World(home, contacts(1), dialer=_Recording(), max_call_minutes=2)
    world.clock.wait_until(START)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.claim(owner)
        call = world.read("copy_call")
        (lease_id,) = call["lease_id"]
        world.tell("note", notes(world.read("list_claimed", lease_id=lease_id), START))
        world.tell("answer", answers_alike(call, "unknown", "no line", START))
        world.clock.wait_until(START + MINUTE)
        unknown = world.read(
            "list_replayable",
            now=world.clock.now(),
            owner_id=owner.owner_id,
            most_dials=9,
            replay_every=SECOND,
        )
        line = world.dispatcher(owner)._line
        batch = Batch(line, world.dialer, unknown, world.ledger.changes.number())
        meanwhile(world, START + 2 * MINUTE)
        batch.step(world.clock.now())
    assert len(world.dialer.sent) == sent


def test_claims_that_are_held_go_at_the_pace_that_an_edit_gives_them(home, tmp_path):
    world = World(home, contacts(80), dialer=_Recording(), end_time="10:20", max_concurrent_calls=80)
    world.dialer.budget = RequestBudget(tmp_path / "budget.json", 100)
    world.dialer.budget.hold(START + 3 * MINUTE, START)
    edits = []

    def leaves(at):
        if at > START + 2 * MINUTE and not edits:
            assert world.calls.height >= 8
            edits.append(world.update(calls_per_second=0.5))
        return False

    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner, reach=MINUTE).run(START + 5 * MINUTE, SECOND * 10, leaves)
    assert edits
    sent_at = [at for *_, at in world.dialer.sent]
    assert all(after - before >= 2 * SECOND for before, after in pairwise(sent_at))
    assert len(sent_at) > 1
