"""Telling people is the last that may fail: what was done stays done, and its errors are not hidden."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import get_run_logger


@contextmanager
def if_possible() -> Iterator[None]:
    """Log what goes wrong in the block instead of failing the run, such as a server that is away."""
    try:
        yield
    except Exception as error:
        get_run_logger().warning("what was done could not be shown here: %r", error)
