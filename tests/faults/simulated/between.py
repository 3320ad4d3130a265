"""What people and other dispatchers do between two transactions of a dispatcher that takes its look."""

from collections.abc import Mapping

from flows.file_locks import is_locked
from tests.faults.simulated.deeds import look_up_and_settle, pause, resume, skip
from tests.faults.simulated.edits import edit_alone, late
from tests.faults.simulated.world import Deed, World


def look_too(world: World, campaign_id: str) -> None:  # noqa: ARG001 - it is about dispatchers
    """Have another dispatcher look; at its first look it would have to wait for one that takes its first."""
    others = [hand for hand in world.hands if hand is not world.interrupted and hand.dispatcher.tally.ticks]
    if others:
        world.look(world.draws.choice(others))


def edit_between(world: World, campaign_id: str) -> None:
    """Change a setting of a campaign, unless a version of it is being published."""
    if not _is_publishing(world, campaign_id):
        edit_alone(world, campaign_id)


def late_between(world: World, campaign_id: str) -> None:
    """Have contacts come to a campaign, unless a version of it is being published."""
    if not _is_publishing(world, campaign_id):
        late(world, campaign_id)


def renumber_between(world: World, campaign_id: str) -> None:
    """Load a list in which some people have another number."""
    name = world.list_of(campaign_id)
    world.renumber(name, [world.draws.randrange(world.listed[name]) for _ in range(20)])


def _is_publishing(world: World, campaign_id: str) -> bool:
    """Whether somebody who comes now has to wait, which nobody can in a world that has one thread."""
    return is_locked(world.home.plans / campaign_id / ".publishing.lock")


BETWEEN: Mapping[Deed, float] = {
    look_too: 0.005,
    pause: 0.005,
    resume: 0.01,
    skip: 0.002,
    look_up_and_settle: 0.002,
    edit_between: 0.0005,
    late_between: 0.0003,
    renumber_between: 0.0005,
}
"""How likely each is at a transaction, of which a look has some ten; what takes long to try is rarer."""
