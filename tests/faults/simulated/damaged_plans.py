"""Row 29: plan files that are damaged before all of their slots were read."""

import polars as pl

from tests.faults.row import Row, Tried
from tests.faults.simulated.trials import broken, shaped, verdict
from tests.faults.simulated.world import DAY, HOUR, World

DAMAGED = "a plan file was damaged that was still to be read"


def _damaged_plans(seed: int, scale: float = 1.0) -> Tried:
    """A plan file cut short, with a bit flipped, of another schema, or gone: refused by name, 0 rings."""
    shape = shaped({}, campaigns=60, contacts=8, lists=1).scaled(scale)
    with World(seed, shape) as world:
        if world.draws.random() < 0.3:
            world.live(shape.opens_at + 6 * HOUR)
        left = set(world.draws.sample(world.campaign_ids, max(1, len(world.campaign_ids) // 10)))
        damaged = {
            campaign_id: damage(world, campaign_id)
            for campaign_id in world.campaign_ids
            if campaign_id not in left
        }
        rang = len(world.network.requests)
        world.live(shape.opens_at + shape.days * DAY)
        world.settle()
        for request in world.network.requests[rang:]:
            file, unstaged, _ = damaged.get(request.key[0], ("", False, b""))
            if unstaged and file.endswith(f"/{request.row['plan_version']:06d}.parquet"):
                return broken(world, [DAMAGED], f"{request.key} was requested from {file}, which is damaged")
        for campaign_id, (file, unstaged, _) in damaged.items():
            if unstaged and world.state(campaign_id) != "failed":
                said = f"{file} is damaged and its campaign is {world.state(campaign_id)}"
                return broken(world, [DAMAGED], said)
            if unstaged and not any(file in error for error in world.errors):
                return broken(world, [DAMAGED], f"nobody was told of {file}")
        for file, _, written in damaged.values():  # of a campaign that is completed the judges read it
            (world.home.plans / file).write_bytes(written)
        return verdict(world, [DAMAGED])


def damage(world: World, campaign_id: str) -> tuple[str, bool, bytes]:
    """Spoil the newest plan file; return its name, whether slots are still to be read, and what it held."""
    with world.ledger.session() as session:
        version = session.read("list_current_versions", campaign_id=campaign_id).tail(1).row(0, named=True)
    file = world.home.plans / version["file"]
    written = file.read_bytes()
    world.damaged.add(campaign_id)
    place = world.draws.randrange(len(written))
    match world.draws.randrange(4):
        case 0:
            file.write_bytes(written[:place])
        case 1:
            flipped = written[place] ^ (1 << world.draws.randrange(8))
            file.write_bytes(written[:place] + bytes([flipped]) + written[place + 1 :])
        case 2:
            pl.DataFrame({"contact_id": ["c0"]}).write_parquet(file)
        case 3:
            file.rename(file.with_name(f".{file.stem}.part"))
    is_live = world.state(campaign_id) in ("scheduled", "active", "paused")
    unstaged = is_live and version["staged_until"] <= version["last_at"]
    world.meet(DAMAGED, int(unstaged))
    return version["file"], unstaged, written


ROWS = [Row(29, "S", "damaged plan file", _damaged_plans, 1_000)]
