"""Rows 1 to 7: a dispatcher is killed at every place between claim and outcome, and another goes on."""

import random
from datetime import timedelta
from signal import SIGKILL

from tests.faults.real.child import (
    ANSWERED,
    CHECKED,
    CLAIM_WRITTEN,
    CLAIMED,
    MOMENTS,
    NOTE_WRITTEN,
    NOTED,
    SENDING,
    SENT,
    SYNCING,
    TAKEN_OVER,
    TAKING_OVER,
    End,
    job_of,
)
from tests.faults.real.judging import judged
from tests.faults.real.recovering import recover, run_to_its_end, word
from tests.faults.real.shop import open_shop
from tests.faults.row import Row, Trial

_CALLS = (6, 12)
"""How many calls a trial has; a store is built once for each."""

_NTH = 3
"""How often a dispatcher may pass by the place where it is killed, at most."""


def _killed_at(*moments: str, delay_seconds: float = 0.0) -> Trial:
    def trial(seed: int) -> str | None:
        draw = random.Random(seed)
        calls = draw.choice(_CALLS)
        end = End(draw.choice(moments), draw.randint(1, _NTH))
        with open_shop(calls, seed=seed, provider={"delay_seconds": delay_seconds}) as shop:
            exit_code = run_to_its_end(job_of(shop, 1.5, end))
            if exit_code not in (-SIGKILL, 0):
                return f"the dispatcher ended with {exit_code}: {word(shop)}"
            recover(shop)
            return judged(shop)

    return trial


def killed_again_and_again(seed: int) -> str | None:
    """Row 6: killed at random moments, ten times over."""
    draw = random.Random(seed)
    with open_shop(
        max(_CALLS),
        timedelta(seconds=1.5),
        seed=seed,
        provider={"delay_seconds": draw.choice([0, 0.02, 0.1])},
    ) as shop:
        for _ in range(10):
            end = End(seconds=draw.uniform(0.1, 0.45))
            if draw.random() < 0.3:
                end = End(draw.choice(MOMENTS), draw.randint(1, 4))
            exit_code = run_to_its_end(job_of(shop, 0.4, end))
            if exit_code not in (-SIGKILL, 0):
                return f"a dispatcher ended with {exit_code}: {word(shop)}"
        recover(shop)
        return judged(shop)


def killed_while_recovering(seed: int) -> str | None:
    """Row 7: whoever takes over is killed in turn."""
    draw = random.Random(seed)
    first = End(draw.choice([CLAIMED, CHECKED, NOTE_WRITTEN, NOTED, SENT, ANSWERED]), 1)
    with open_shop(
        draw.choice(_CALLS), seed=seed, provider={"delay_seconds": draw.choice([0, 0.05])}
    ) as shop:
        run_to_its_end(job_of(shop, 1.5, first))
        for _ in range(draw.randint(1, 3)):
            moment = draw.choice([TAKING_OVER, TAKEN_OVER, SYNCING, NOTED, SENT, ANSWERED, *MOMENTS])
            exit_code = run_to_its_end(job_of(shop, 0.8, End(moment, draw.randint(1, 2))))
            if exit_code not in (-SIGKILL, 0):
                return f"a dispatcher ended with {exit_code}: {word(shop)}"
        recover(shop)
        return judged(shop)


ROWS = [
    Row(1, "R", "kill -9 before the claim commits", _killed_at(CLAIM_WRITTEN), 300),
    Row(2, "R", "after the claim, before the journal note", _killed_at(CLAIMED, CHECKED), 300),
    Row(3, "R", "after the note, before the POST", _killed_at(NOTE_WRITTEN, NOTED), 300),
    Row(
        4,
        "R",
        "after the bytes are sent, before the answer",
        _killed_at(SENDING, SENT, SENT, delay_seconds=0.15),
        300,
    ),
    Row(5, "R", "after the answer, before it is recorded", _killed_at(ANSWERED), 300),
    Row(6, "R", "at a random moment, restarted ten times", killed_again_and_again, 1000),
    Row(7, "R", "the recovery itself is killed", killed_while_recovering, 300),
]
