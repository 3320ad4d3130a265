"""Row 31: a dispatcher runs out of memory or of file descriptors, or no name can be resolved any more."""

import os
import random
import resource
import signal
import time
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from flows.dialers.truedy import TruedyAccess
from tests.faults.real.child import FAILED, Job, job_of, run_job
from tests.faults.real.judging import judged
from tests.faults.real.recovering import recover, start
from tests.faults.real.shop import API, REQUESTS_PER_MINUTE, open_shop
from tests.faults.row import Row
from tests.forking import fork

_CALLS = (12, 60)
_LASTS_SECONDS = 2.0
_COMES_TO_ITS_END_SECONDS = 20.0
_PAGE_BYTES = resource.getpagesize()
_FATAL = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGTRAP, -signal.SIGILL, 127)
"""How libraries, and the loader, end a process that has no memory or no file for them."""


def out_of_memory(seed: int) -> str | None:
    """Let a dispatcher have hardly any more memory than it has at some moment."""
    draw = random.Random(seed)
    with _shop(seed, draw) as shop:
        process = fork(_dispatch, job_of(shop, _LASTS_SECONDS))
        time.sleep(draw.uniform(0.1, 1.0))
        room = draw.choice([0, 100_000, 1_000_000, 10_000_000, 50_000_000])
        broken = _while_limited(process, resource.RLIMIT_AS, _address_space(process) + room, draw)
        recover(shop)
        return broken or judged(shop)


def out_of_descriptors(seed: int) -> str | None:
    """Let a dispatcher open no more files than it has open at some moment, or a few."""
    draw = random.Random(seed)
    with _shop(seed, draw) as shop:
        process = fork(_dispatch, job_of(shop, _LASTS_SECONDS))
        time.sleep(draw.uniform(0.1, 1.0))
        room = draw.choice([0, 0, 1, 2, 4, 8])
        broken = _while_limited(process, resource.RLIMIT_NOFILE, _next_descriptor(process) + room, draw)
        recover(shop)
        return broken or judged(shop)


def no_names(seed: int) -> str | None:
    """Let one dispatcher find no address for the provider's name, alone or beside another that does."""
    draw = random.Random(seed)
    with _shop(seed, draw) as shop:
        access = TruedyAccess("http://provider.invalid" + API, "good", REQUESTS_PER_MINUTE)
        lost = start(replace(job_of(shop, draw.uniform(0.5, _LASTS_SECONDS)), access=access))
        running = [lost]
        if draw.random() < 0.5:
            time.sleep(draw.uniform(0.0, 0.5))
            running.append(start(job_of(shop, draw.uniform(0.3, 1.0))))
        for process in running:
            broken = _ended(process)
            if broken or process.exitcode:
                return broken or f"a dispatcher ended with {process.exitcode}"
        recover(shop)
        return judged(shop)


def _shop(seed: int, draw: random.Random):
    return open_shop(draw.choice(_CALLS), seed=seed, provider={"delay_seconds": draw.choice([0, 0.05, 0.2])})


def _dispatch(job: Job) -> None:
    """Dispatch; whatever libraries say of their end is kept beside the store."""
    descriptor = os.open(job.store.parent / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    run_job(job)


def _while_limited(process: BaseProcess, limit: int, most: int, draw: random.Random) -> str | None:
    """Limit a process until it ends or, now and then, for a while only; return how it should not have ended.

    One that cannot even leave word of its error ends with 1.
    """
    before, hard = resource.prlimit(process.pid, limit) if process.is_alive() else (0, 0)
    if hard:
        _set_limit(process, limit, (most, hard))
        if draw.random() < 0.5:
            process.join(draw.uniform(0.1, 1.0))
            _set_limit(process, limit, (before, hard))
    broken = _ended(process)
    allowed = (0, 1, FAILED, *_FATAL)
    return broken or (None if process.exitcode in allowed else f"a dispatcher ended with {process.exitcode}")


def _set_limit(process: BaseProcess, limit: int, soft_and_hard: tuple[int, int]) -> None:
    try:
        resource.prlimit(process.pid, limit, soft_and_hard)
    except ProcessLookupError:
        return


def _ended(process: BaseProcess) -> str | None:
    """Wait for a process; one that hangs is ended, so that it can be judged what it has left."""
    process.join(_COMES_TO_ITS_END_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        return "a dispatcher hung"
    return None


def _address_space(process: BaseProcess) -> int:
    return int(_proc(process, "statm").read_text().split()[0]) * _PAGE_BYTES


def _next_descriptor(process: BaseProcess) -> int:
    """Return one more than the highest descriptor that is open."""
    return 1 + max(int(open_file.name) for open_file in _proc(process, "fd").iterdir())


def _proc(process: BaseProcess, name: str) -> Path:
    return Path(f"/proc/{process.pid}/{name}")


ROWS = [
    Row(31, "R", "out of memory", out_of_memory, 100),
    Row(31, "R", "out of file descriptors", out_of_descriptors, 100),
    Row(31, "R", "no name can be resolved", no_names, 100),
]
