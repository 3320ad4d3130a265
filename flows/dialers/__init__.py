"""Dialers: what places a call and learns its outcome."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from flows.clock import Clock
from flows.dialers.dialer import Dialer
from flows.dialers.simulated import SimulatedDialer
from flows.dialers.truedy_access import TruedyAccess
from flows.home import Home
from transforms.campaign import DialerName


def dialers_at_hand() -> list[str]:
    """Return the names of the dialers that are set up in this environment."""
    names = [DialerName.SIMULATED.value]
    return [*names, DialerName.TRUEDY.value] if TruedyAccess.from_environment() else names


@contextmanager
def all_dialers(home: Home, clock: Clock) -> Iterator[Mapping[str, Dialer]]:
    """Yield the dialers at hand, by the name that campaigns use; Truedy's where its access is set up."""
    dialers: dict[str, Dialer] = {DialerName.SIMULATED.value: SimulatedDialer()}
    with ExitStack() as stack:
        access = TruedyAccess.from_environment()
        if access is not None:
            # Here, because its HTTP client takes a quarter of a second to import, of every command.
            from flows.dialers.truedy import TruedyDialer

            dialers[DialerName.TRUEDY.value] = stack.enter_context(TruedyDialer(access, home.budgets, clock))
        yield dialers
