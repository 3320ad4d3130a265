"""Row 32: the ledger is an older copy, with the journal there, gone, or cut short.

Now and then somebody pauses or cancels the campaign after the copy was made, and resumes it after a while.
"""

import os
import random
import shutil
import signal
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flows import campaigns, pausing
from flows.errors import WorkError
from tests.faults.real.child import ANSWERED, APPLIED, CLAIMED, NOTED, End, job_of
from tests.faults.real.judging import judged
from tests.faults.real.recovering import recover, run_to_its_end, state_of
from tests.faults.real.running import forked_provider
from tests.faults.real.shop import Shop, open_shop
from tests.faults.row import Row

_CALLS = 12
_WITHIN = timedelta(seconds=2)
"""So long that a dispatcher is killed while some slots are staged and not claimed yet."""

_MOST_MOMENTS = 4
_COME_IN_SECONDS = 0.3
"""How long requests of a process that was killed may take to come in."""


def trial(seed: int) -> str | None:
    """Copy the ledger between two dispatchers, and go on with the copy after the second."""
    draw = random.Random(seed)
    with open_shop(_CALLS, _WITHIN, seed=seed) as shop, ExitStack() as stack:
        is_away = draw.random() < 0.4
        if is_away:
            os.kill(shop.provider.pid, signal.SIGKILL)  # requests go back unsent, and are made again
        if draw.random() < 0.8:
            run_to_its_end(job_of(shop, 1.0, _drawn_end(draw)))
        copy, position = _copy(shop), _position(shop)
        if is_away:
            if draw.random() < 0.5:
                run_to_its_end(job_of(shop, 0.5, End(seconds=draw.uniform(0.3, 0.6))))
            port = urlsplit(shop.provider.address).port or 0
            stack.enter_context(forked_provider(shop.provider.folder, seed, port=port))
        run_to_its_end(job_of(shop, 1.0, _drawn_end(draw)))
        stop = draw.choice([None, None, None, pausing.pause, pausing.pause, pausing.cancel])
        if stop is not None and state_of(shop) in ("scheduled", "active"):
            stop(shop.home, shop.ledger(), shop.campaign_id, shop.clock.now())
            _restore(shop, copy)
            return _stays_stopped(shop) or _goes_on(shop)
        _restore(shop, copy)
        loss = draw.choice([*["nothing"] * 4, "journal", "end"])
        if loss == "nothing" or not position:  # a ledger that never saw a journal cannot miss one
            recover(shop)
            return judged(shop)
        _lose(shop, loss, position)
        return _refuses(shop)


def _drawn_end(draw: random.Random) -> End:
    """Have a dispatcher die early, so that a copy of the ledger has slots which the next one dials."""
    return End(draw.choice([CLAIMED, NOTED, ANSWERED, APPLIED]), draw.randint(1, _MOST_MOMENTS))


def _position(shop: Shop) -> int:
    with shop.ledger().session() as session:
        return int(session.read("find_version")["journal_sequence"].item())


def _files(shop: Shop) -> list[Path]:
    return [file for file in shop.home.path.glob("ledger.duckdb*") if file.is_file()]


def _copy(shop: Shop) -> Path:
    folder = shop.home.path.parent / "copy"
    folder.mkdir()
    for file in _files(shop):
        shutil.copy2(file, folder)
    return folder


def _restore(shop: Shop, copy: Path) -> None:
    for file in _files(shop):
        file.unlink()
    for file in copy.iterdir():
        shutil.copy2(file, shop.home.path)


def _lose(shop: Shop, loss: str, position: int) -> None:
    """Lose the whole journal, or what is after an entry before the ledger's position."""
    for file in shop.home.journal.glob("*.jsonl"):
        lines = file.read_bytes().splitlines(keepends=True)
        if loss == "journal":
            file.unlink()
        else:
            file.write_bytes(b"".join(lines[: position - 1]))


def _stays_stopped(shop: Shop) -> str | None:
    time.sleep(_COME_IN_SECONDS)
    sent = len(shop.provider.requests())
    recover(shop, 2.0)
    more = len(shop.provider.requests()) - sent
    return f"{more} calls were sent though the campaign was stopped" if more else None


def _goes_on(shop: Shop) -> str | None:
    """Let a paused campaign go on from the older copy; one that was cancelled stays so."""
    if state_of(shop) != "paused":
        return None
    campaigns.resume(shop.ledger(), shop.campaign_id, shop.clock.now())
    recover(shop)
    return judged(shop)


def _refuses(shop: Shop) -> str | None:
    time.sleep(_COME_IN_SECONDS)
    sent, was_over = len(shop.provider.requests()), state_of(shop) == "completed"
    try:
        recover(shop, 2.0)
    except WorkError:
        more = len(shop.provider.requests()) - sent
        return f"{more} calls were sent although the journal was gone" if more else None
    return None if was_over else "it dispatched although its journal was gone"


ROWS = [Row(32, "R", "the ledger restored from an older copy; journals missing", trial, 50)]
