"""Row 26: people who stand in their list several times, otherwise written, in one file or in another."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from flows.contact_loading import load_list
from flows.contact_store import current_snapshot
from tests.faults.row import Row, Tried
from tests.faults.simulated.edits import late
from tests.faults.simulated.shape import Shape
from tests.faults.simulated.trials import settled
from tests.faults.simulated.world import DAY, World

AGAIN = "a person stood in a list once more"

WRITINGS = (
    "+1{}{}{}",
    "+1 {} {} {}",
    "({}) {}-{}",
    "{}.{}.{}",
    "{}{}{}",
    "1-{}-{}-{}",
    "  +1 ({}) {} {}  ",
    "{} {}{}",
)
"""Ways to write one number of the United States, all of which people use."""

_HEADERS = (
    ["id", "Telephone Number", "note"],
    ["Contact ID", "phone", "note"],
    ["customer id", "Mobile", "note"],
)
_SHAPE = Shape(campaigns=6, deeds={late: 1.0})


class TwiceWritten(World):
    """A world whose lists are loaded from files in which people stand more than once."""

    def load(self, name: str, count: int) -> None:
        """Load a further file into a list: those who are new to it, and some people once more."""
        known = self.listed.get(name, 0)
        rows = [self._row(place, f"c{place}") for place in range(known, count)]
        again = [place for place in range(count) for _ in range(self.draws.choice([0, 0, 1, 2]))]
        rows += [self._row(place, self.draws.choice(["", f"c{place}", f"again-{place}"])) for place in again]
        self.draws.shuffle(rows)
        file = self.folder / f"{name}-{count}.csv"
        with file.open("w", newline="") as content:
            csv.writer(content).writerows([self.draws.choice(_HEADERS), *rows])
        load_list(self.home, file, name, "US", {}, self.clock.now())
        self.listed[name] = count
        self.meet(AGAIN, len(again))

    def _row(self, place: int, contact_id: str) -> list[str]:
        digits = str(place + 2_125_550_000)
        written = self.draws.choice(WRITINGS).format(digits[:3], digits[3:6], digits[6:])
        return [contact_id, written, f"row {self.draws.random()}"]


def one_ring_for_a_person(world: World) -> Iterator[str]:
    """Each number is rung for one contact of a campaign only; attempts of one are judged elsewhere."""
    rung: dict[tuple[str, str], set[str]] = defaultdict(set)
    for call in world.network.rings:
        rung[call.key[0], call.phone].add(call.key[1])
    for (campaign_id, phone), contacts in rung.items():
        if len(contacts) > 1:
            yield f"I1: {phone} was rung by {campaign_id} for {sorted(contacts)}"
    everybody = {
        name: {f"+1{place + 2_125_550_000}" for place in range(world.listed[name])} for name in world.listed
    }
    for place, campaign_id in enumerate(world.campaign_ids):
        name = f"people{place % world.shape.lists}"
        numbers = {phone for of, phone in rung if of == campaign_id}
        if not numbers <= everybody[name]:
            yield f"{min(numbers - everybody[name])} was rung by {campaign_id} and is in no file"


def nobody_is_left_out(world: World) -> Iterator[str]:
    """Each person is in the list exactly once, however often the files had it."""

    for name, count in world.listed.items():
        phones = pl.read_parquet(current_snapshot(world.home, name))["phone"].to_list()
        if sorted(phones) != [f"+1{place + 2_125_550_000}" for place in range(count)]:
            yield f"{name} has {len(phones)} contacts of {count} people"


def trial(seed: int, scale: float = 1.0) -> Tried:
    """Call the people of such lists, to which others come while they are called."""
    shape = replace(_SHAPE.scaled(scale))
    with TwiceWritten(seed, shape) as world:
        world.live(shape.opens_at + shape.days * DAY)
        return settled(world, [AGAIN], one_ring_for_a_person, nobody_is_left_out)


ROWS = [Row(26, "S", "the same person twice", trial, 1_000)]
