"""Row 12: connections that break before and after the body of a request, and a provider that is not there."""

import os
import random
import signal
import time
from urllib.parse import urlsplit

from tests.faults.real.child import job_of
from tests.faults.real.judging import judged
from tests.faults.real.recovering import ended, recover, start
from tests.faults.real.running import forked_provider
from tests.faults.real.shop import open_shop
from tests.faults.row import Row

_CALLS = 12


def connections_break(seed: int) -> str | None:
    """Reset the connection of some requests, before their body is read or after they rang."""
    draw = random.Random(seed)
    faults = [
        {"kind": "reset_before", "share": draw.uniform(0.1, 0.5), "first_of_key": draw.choice([1, 1, 2])},
        {"kind": "reset_after", "share": draw.uniform(0.1, 0.5), "first_of_key": draw.choice([1, 1, 2])},
    ]
    with open_shop(_CALLS, seed=seed, provider={"faults": faults}) as shop:
        for _ in range(3):
            recover(shop, 1.2)  # a dispatcher that begins takes up at once what is unknown
        recover(shop)
        return judged(shop)


def provider_goes_away(seed: int) -> str | None:
    """End the provider between or during requests, and start it again where it was."""
    draw = random.Random(seed)
    with open_shop(_CALLS, seed=seed, provider={"delay_seconds": draw.choice([0, 0.1])}) as shop:
        process = start(job_of(shop, 2.0))
        time.sleep(draw.uniform(0.2, 1.0))
        os.kill(shop.provider.pid, signal.SIGKILL)
        time.sleep(draw.uniform(0.0, 0.5))
        with forked_provider(shop.provider.folder, seed, port=urlsplit(shop.provider.address).port or 0):
            ended(process)
            recover(shop)
            return judged(shop)


def trial(seed: int) -> str | None:
    """Do one or the other."""
    return provider_goes_away(seed) if seed % 3 == 0 else connections_break(seed)


ROWS = [Row(12, "R", "connection reset before and after the body", trial, 300)]
