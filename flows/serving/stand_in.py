"""The stand-in: dispatches without Prefect for as long as the Prefect server is away.

A process of its own (``python -m flows.serving.stand_in``), started by ``callplan up``. It waits for its turn
like any run, so it goes on at once where the last run died, and it hands over to the first run that comes
after.
"""

from flows.clock import SystemClock
from flows.dispatching import dispatch_for
from flows.home import find_home
from flows.pools import ThreadPool
from flows.turns import BEAT, LONGEST_TURN, Turns


def stand_in() -> None:
    """Have a turn, if no run waits for one already."""
    home, clock = find_home().require(), SystemClock()
    with Turns(home.turns, clock).turn(BEAT, LONGEST_TURN) as turn:
        if turn is not None:
            dispatch_for(home, clock, LONGEST_TURN, ThreadPool(clock), turn.is_over)


if __name__ == "__main__":
    stand_in()
