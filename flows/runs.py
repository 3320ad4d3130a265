"""Which flow runs live: each holds a locked file of its own for as long as its process lives."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from flows.errors import WorkError
from flows.file_locks import is_locked, try_lock
from flows.home import Home

REPORTS_WITHIN = timedelta(minutes=1)
"""How long a run that has done its work may take to say so to the server."""

_KEPT = timedelta(days=1)
"""How long the file of a run that ended is kept."""


@contextmanager
def living_run(home: Home) -> Iterator[None]:
    """Hold the file of the flow run that is running, so that a sweep can tell when its process is gone."""
    from prefect.runtime import flow_run  # the supervisor asks who lives, and does without Prefect

    if flow_run.id is None:
        yield
        return
    home.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = home.runs / f"{flow_run.id}.lock"
    descriptor = try_lock(file)
    if descriptor is None:
        raise WorkError(f"{file}: this flow run is running already, in another process")
    try:
        yield
    finally:
        file.touch()
        os.close(descriptor)


def are_living(home: Home) -> bool:
    """Return whether any flow run lives."""
    return any(is_locked(file) for file in home.runs.glob("*.lock"))


def has_died(home: Home, run_id: UUID) -> bool:
    """Return whether a run has provably ended: its file is there and nobody has held it for a minute."""
    file = home.runs / f"{run_id}.lock"
    return file.exists() and not is_locked(file) and _age(file) > REPORTS_WITHIN


def forget_old(home: Home) -> None:
    """Remove the files of runs that ended long ago."""
    for file in home.runs.glob("*.lock"):
        if _age(file) > _KEPT and not is_locked(file):
            file.unlink(missing_ok=True)


def _age(file: Path) -> timedelta:
    try:
        return timedelta(seconds=time.time() - file.stat().st_mtime)
    except FileNotFoundError:  # another sweep was here
        return timedelta()
