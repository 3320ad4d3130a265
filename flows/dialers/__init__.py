"""Dialers: what places a call and learns its outcome."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from flows.clock import Clock
from flows.dialers.dialer import Dialer
from flows.dialers.simulated import SimulatedDialer
from flows.dialers.truedy_access import TruedyAccess
from flows.errors import InputError
from flows.home import Home
from transforms.campaign import DialerName


def unready_dialers() -> dict[str, str]:
    """Return why dialers cannot be used in this environment, by their name."""
    not_set_up = "is not set up in this environment"
    try:
        access = TruedyAccess.from_environment()
    except InputError as error:
        return {DialerName.TRUEDY.value: f"{not_set_up}: {error}"}
    return {} if access else {DialerName.TRUEDY.value: not_set_up}


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
