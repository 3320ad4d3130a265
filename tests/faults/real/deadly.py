"""Row 27: a contact over whose data dispatchers die is set aside after three; its neighbours go on."""

import random
from datetime import timedelta
from signal import SIGKILL

from flows.dispatcher import MOST_DIALS, REPLAY_EVERY
from tests.faults.real.child import job_of
from tests.faults.real.judging import given_up, judged
from tests.faults.real.publications import later
from tests.faults.real.recovering import run_to_its_end
from tests.faults.real.shop import open_shop
from tests.faults.row import Row

_CALLS = 20
_MOST_STARTS = 8


def dies_over_a_contact(seed: int) -> str | None:
    """Start dispatchers, each of which dies when it is to dial one of the contacts, until one does not."""
    draw = random.Random(seed)
    deadly = f"c{draw.randrange(_CALLS)}"
    with open_shop(_CALLS, timedelta(milliseconds=400), seed=seed) as shop:
        codes = []
        while not codes or (codes[-1] == -SIGKILL and len(codes) < _MOST_STARTS):
            codes.append(run_to_its_end(job_of(shop, 4.0, deadly=deadly)))
            if len(codes) == MOST_DIALS - 1:
                shop = later(
                    shop, REPLAY_EVERY
                )  # a call that was repeated waits for word before the next time
        if codes != [-SIGKILL] * MOST_DIALS + [0]:
            return f"dispatchers ended with {codes}"
        if given_up(shop) != [deadly]:
            return f"{given_up(shop)} were given up, not {deadly}"
        return judged(shop)


ROWS = [Row(27, "R", "a contact whose data crashes the worker", dies_over_a_contact, 100)]
