"""Row 28: no room for the journal or for the ledger, once, for a while, or from some write on."""

import math
import mmap
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.faults.real.child import FAILED, job_of
from tests.faults.real.judging import judged
from tests.faults.real.recovering import ended, recover, run_to_its_end, start
from tests.faults.real.shop import Shop, open_shop
from tests.faults.row import Row

_FEW, _MANY = 12, 130
"""How many calls a trial has; many are placed in several batches of one claim."""


def one_of_two(seed: int) -> str | None:
    """Let a write fail to one of two dispatchers that share many calls, in several batches of a claim."""
    draw = random.Random(seed)
    with open_shop(_MANY, timedelta(seconds=2), seed=seed) as shop:
        reach = timedelta(seconds=2)
        failure = {"full_from": draw.randint(1, 8), "full_times": draw.choice([1, 1, 3]), "notes_only": True}
        failing = start(job_of(shop, 2.0, **failure, reach=reach))
        time.sleep(draw.uniform(0.0, 0.6))
        healthy = start(job_of(shop, 3.0, reach=reach, tick=timedelta(milliseconds=30)))
        for process in (failing, healthy):
            if ended(process) not in (0, FAILED):
                return "a dispatcher was killed"
        recover(shop)
        return judged(shop)


def trial(seed: int) -> str | None:
    """Fill the disk in one of four ways; nothing is sent that could not be noted."""
    draw = random.Random(seed)
    if seed % 4 == 0:
        return one_of_two(seed)
    with open_shop(
        draw.choice([_FEW, _MANY]), seed=seed, provider={"delay_seconds": draw.choice([0, 0.05])}
    ) as shop:
        for _ in range(draw.choice([1, 1, 2])):
            broken = draw.choice([_syncs_fail, _files_stay_small, _no_room])(shop, draw)
            if broken:
                return broken
        recover(shop)
        return judged(shop)


def _run(shop: Shop, **changes: object) -> str | None:
    code = run_to_its_end(job_of(shop, 1.2, **changes))
    return None if code in (0, FAILED) else f"a dispatcher ended with {code}"


def _syncs_fail(shop: Shop, draw: random.Random) -> str | None:
    return _run(shop, full_from=draw.randint(1, 30), full_times=draw.choice([1, 3, 1_000_000]))


def _files_stay_small(shop: Shop, draw: random.Random) -> str | None:
    """No file grows beyond a size: the journal is small, the ledger larger, its log in between."""
    return _run(shop, file_bytes=draw.choice([draw.randint(1, 40_000), draw.randint(40_000, 3_000_000)]))


def _no_room(shop: Shop, draw: random.Random) -> str | None:
    """Move the store to a file system with little room, and back."""
    files = [file for file in shop.home.path.rglob("*") if file.is_file()]
    needed = sum(math.ceil(file.stat().st_size / mmap.PAGESIZE) * mmap.PAGESIZE for file in files)
    room = needed + draw.choice([draw.randint(30_000, 100_000), draw.randint(100_000, 1_500_000)])
    with _small_disk(shop.home.path, room) as is_mounted:
        return _run(shop) if is_mounted else _syncs_fail(shop, draw)


@contextmanager
def _small_disk(folder: Path, room_bytes: int) -> Iterator[bool]:
    """Keep a folder on a small disk for the length of the block; yield False where none can be mounted."""
    aside = folder.with_name("aside")
    shutil.copytree(folder, aside)
    size = f"size={room_bytes},mode=700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        shutil.rmtree(aside)
        yield False
        return
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield True
        shutil.rmtree(aside)
        shutil.copytree(folder, aside)
    finally:
        subprocess.run(["umount", folder], check=True, capture_output=True)
    shutil.copytree(aside, folder, dirs_exist_ok=True)
    for file in [file for file in folder.rglob("*") if not (aside / file.relative_to(folder)).exists()]:
        file.unlink()
    shutil.rmtree(aside)


ROWS = [Row(28, "R", "disk full or an I/O error at every write", trial, 300)]
