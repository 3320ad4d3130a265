"""Row 33, its second half: two publications of one campaign at once."""

import fcntl
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

from flows import publishing
from flows.replanning import replan
from tests.faults.simulated.edits import changed_meanwhile, edit, late
from tests.faults.simulated.world import Deed, World

TWO = "a publication waited while another one of its campaign was being computed"
PAST_THE_LOCK = "a version was committed while another one of its campaign was being computed"

_STEPS = 2
"""How many steps every publication has: it computes the plan, and it writes it."""


def plan_anew(world: World, campaign_id: str) -> None:
    """Look for slots for those of a campaign who have none, as a dispatcher does."""
    replan(world.home, world.ledger, campaign_id, world.clock.now())
    world.remember(campaign_id)


def edit_beside_another(world: World, campaign_id: str) -> None:
    """Edit a campaign while another publication of it begins, which has to wait for its turn."""
    beside = _Beside(world, campaign_id, world.draws.choice([edit, late, late, plan_anew]))
    try:
        changed_meanwhile(world, campaign_id, beside.step)
    finally:
        beside.end()


class _Beside:
    """Somebody who begins to publish a version of a campaign while another one is being computed."""

    def __init__(self, world: World, campaign_id: str, deed: Deed) -> None:
        self._world, self._campaign_id, self._deed = world, campaign_id, deed
        self._threads = ThreadPoolExecutor(1)
        self._steps_left = world.draws.randint(1, _STEPS)
        self._arrived, self._may_go_on = threading.Event(), threading.Event()
        self._under_way: Future[None] | None = None

    def step(self, _: str) -> None:
        """Begin at the step that was drawn, and return once it waits for the lock or is over."""
        self._steps_left -= 1
        if self._steps_left:
            return
        lock = publishing.locked

        @contextmanager
        def watched(file: Path, *, waits: bool) -> Iterator[None]:
            self._arrived.set()
            with lock(file, waits=waits):
                self._may_go_on.wait()
                yield

        with patch.object(publishing, "locked", watched):
            self._under_way = self._threads.submit(self._world.do, self._deed, self._campaign_id)
            self._under_way.add_done_callback(lambda _: self._arrived.set())
            self._arrived.wait()
        if not _is_held(self._world.home.plans / self._campaign_id / ".publishing.lock"):
            self.end()
        self._world.meet(TWO, int(not self._under_way.done()))

    def end(self) -> None:
        """Let it go on, and wait until it is over."""
        self._may_go_on.set()
        self._threads.shutdown()
        if self._under_way is not None:
            self._under_way.result()


def _is_held(lock_file: Path) -> bool:
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def edit_past_the_lock(world: World, campaign_id: str) -> None:
    """Edit a campaign while another version of it is committed, as where locks do not hold.

    The edit names the version it was computed from, is refused, and computed again.
    """
    steps_left = world.draws.randint(1, _STEPS)

    def step(_: str) -> None:
        nonlocal steps_left
        steps_left -= 1
        if steps_left == 0:
            with patch.object(publishing, "locked", lambda *_, **__: nullcontext()):
                world.do(late, campaign_id)
            world.meet(PAST_THE_LOCK)

    changed_meanwhile(world, campaign_id, step)
