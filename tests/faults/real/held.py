"""Row 19: a campaign is paused between the claim and the request, and paused and resumed again and again."""

import random
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from flows import pausing
from flows.campaigns import resume
from flows.errors import InputError
from tests.faults.real.child import job_of
from tests.faults.real.judging import judged
from tests.faults.real.recovering import ended, recover, start, word
from tests.faults.real.sharing import notes_of
from tests.faults.real.shop import Shop, open_shop
from tests.faults.row import Row

_CALLS = 40
_REACH = timedelta(seconds=1)
"""Claims are in hand for as long as those of ``callplan dispatch``."""
_ON_ITS_WAY = timedelta(milliseconds=150)
"""How long a request that left before may take to come in at the provider, on a busy machine."""


def paused_again_and_again(seed: int) -> str | None:
    """Pause and resume while calls fall due every few milliseconds."""
    draw = random.Random(seed)
    with open_shop(
        _CALLS, timedelta(seconds=1.5), seed=seed, provider={"delay_seconds": draw.choice([0, 0.05])}
    ) as shop:
        slow = draw.choice([0.0, 0.05, 1.0])
        running = [
            start(job_of(shop, 3.0, slow_seconds=slow, reach=_REACH)) for _ in range(draw.choice([1, 1, 2]))
        ]
        time.sleep(draw.uniform(0.3, 0.6))
        held = []
        for _ in range(draw.randint(2, 4)):
            with suppress(InputError):  # its last call ended, so it is completed
                pausing.pause(shop.home, shop.ledger(), shop.campaign_id, shop.clock.now())
                begins = shop.clock.now()
                time.sleep(draw.choice([0.01, 0.05, 0.4, 0.8]))
                held.append((begins, shop.clock.now()))
                resume(shop.ledger(), shop.campaign_id, shop.clock.now())
                time.sleep(draw.uniform(0.0, 0.3))
        for process in running:
            code = ended(process)
            if code:
                return f"a dispatcher ended with {code}: {word(shop)}"
        recover(shop)
        return _sent_while(shop, held) or judged(shop)


def _sent_while(shop: Shop, held: list[tuple[datetime, datetime]]) -> str | None:
    """I5: nothing was noted or came in after a pause was acknowledged."""
    noted = notes_of(shop)["noted_at"].to_list()
    came_in = [
        datetime.fromtimestamp(post["at"], UTC) + shop.clock.shift - _ON_ITS_WAY
        for post in shop.provider.requests()
    ]
    for begins, ends in held:
        for what, moments in (("noted", noted), ("sent", came_in)):
            late = [moment for moment in moments if begins < moment < ends - _ON_ITS_WAY]
            if late:
                return f"I5: {len(late)} calls were {what} after the pause was acknowledged"
    return None


ROWS = [
    Row(
        19, "R", "pause between claim and POST; pause and resume again and again", paused_again_and_again, 100
    )
]
