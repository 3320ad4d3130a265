"""A batch looks again just before each note: what may no longer be dialled is not."""

from datetime import timedelta

import polars as pl

from flows.budget import RequestBudget
from flows.dialers.simulated import SimulatedDialer
from flows.owners import Owner
from flows.settling import settle
from tests.people import contacts
from tests.world import START, World

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class _Recording(SimulatedDialer):
    """Keeps what it sent: ``contact_id``, ``replays`` and when."""

    def __init__(self):
        super().__init__(5)
        self.sent = []

    def send(self, requests, now):
        self.sent += [(*row, now) for row in requests.select("contact_id", "replays").iter_rows()]
        return super().send(requests, now)


class _Late:
    """An exchange whose answers come after three seconds, so that the next replay goes after one."""

    def __init__(self, exchange, now):
        self._answers, self._comes_at = exchange.replies(now), now + 3 * SECOND
        self.is_open = True

    def replies(self, now):
        if now < self._comes_at:
            return self._answers.clear()
        self.is_open = False
        return self._answers

    def wakes_at(self, now):
        return max(now, self._comes_at)


class _Failing(_Recording):
    """Fails over every first dial, so that nothing is known of it; does ``meanwhile`` after each replay."""

    keys_live = timedelta(minutes=10)

    def __init__(self, meanwhile):
        super().__init__()
        self._meanwhile = meanwhile

    def send(self, requests, now):
        exchange = super().send(requests, now)
        if not requests["replays"].all():
            raise ValueError("no line")
        self._meanwhile(now)
        return _Late(exchange, now)

    def replayed(self):
        return {contact: at for contact, replays, at in self.sent if replays}


def test_a_claim_is_not_dialled_once_an_edit_has_replaced_its_version(home, tmp_path):
    dialer = _Recording()
    world = World(home, contacts(3), dialer=dialer)
    dialer.budget = RequestBudget(tmp_path / "budget.json", 100)
    dialer.budget.hold(START + 4 * MINUTE, START)
    edits = []

    def leaves(at):
        if at > START + MINUTE and not edits:
            assert world.calls["contact_id"].to_list() == ["c0"]
            edits.append(world.update(start_time="15:00", end_time="17:00"))
        return False

    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner).run(START + 10 * HOUR, SECOND * 10, leaves)
    opened_at = START + 5 * HOUR
    assert {contact for contact, *_ in dialer.sent} == {"c0", "c1", "c2"}
    assert all(at >= opened_at for *_, at in dialer.sent)
    assert world.state == "completed"


def test_a_dial_is_not_repeated_once_a_person_has_settled_the_call(home):
    settled = []

    def meanwhile(now):
        waiting = world.calls.filter(
            pl.col("state") == "unknown", ~pl.col("contact_id").is_in(list(dialer.replayed()))
        )
        if not settled and waiting.height > 10:
            settled.append(waiting.sort("noted_at")["contact_id"][5])
            settle(home, world.ledger, world.campaign_id, settled[0], "completed", now)

    dialer = _Failing(meanwhile)
    world = World(home, contacts(300), dialer=dialer, end_time="10:05", max_concurrent_calls=300)
    world.run(START + 8 * MINUTE, tick=SECOND)
    assert settled
    assert settled[0] not in dialer.replayed()


def test_a_dial_is_not_repeated_once_its_question_is_closed(home):
    dialer = _Failing(lambda _: None)
    hurried = {"max_call_minutes": 2, "end_time": "10:10", "max_concurrent_calls": 400}
    world = World(home, contacts(1_200), dialer=dialer, **hurried)
    world.run(START + 3 * MINUTE, tick=SECOND)
    deadlines = dict(world.calls.select("contact_id", "deadline_at").iter_rows())
    replayed = dialer.replayed()
    assert replayed
    assert len(replayed) < len(deadlines), "all were repeated in time"
    assert [contact for contact, at in replayed.items() if at >= deadlines[contact]] == []
