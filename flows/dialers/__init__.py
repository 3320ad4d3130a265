"""Dialers: what places a call and learns its outcome."""

from flows.dialers.dialer import Dialer
from flows.dialers.simulated import SimulatedDialer
from transforms.campaign import DialerName


def all_dialers() -> dict[str, Dialer]:
    """Return the dialers that this version has, by the name that campaigns use."""
    return {DialerName.SIMULATED.value: SimulatedDialer()}
