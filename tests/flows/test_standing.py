"""Where campaigns stand, and why nothing is delivered, as ``status`` tells it."""

from flows import database
from flows.campaigns import resume
from flows.ledger import Ledger
from flows.owners import Owner, remove_files
from flows.standing import reasons, standing
from tests.people import contacts
from tests.world import START, World


def test_calls_of_a_dispatcher_of_which_nothing_is_left_are_told_in_status(home):
    world = World(home, contacts(2))
    owner = Owner(home.owners, world.ledger, world.clock)
    world.clock.wait_until(START)
    world.claim(owner)
    owner.let_go()
    remove_files(home.owners, owner.owner_id)
    found = standing(home, world.ledger, START)
    row = found.campaigns.row(0, named=True)
    (told,) = [reason for reason in reasons(row, found, START) if owner.owner_id[:8] in reason]
    assert "callplan recover" in told
    world.recovered()
    assert standing(home, world.ledger, START).lost == []


def test_a_log_of_the_ledger_that_cannot_be_taken_in_is_told_in_status(home, monkeypatch):
    monkeypatch.setattr(database, "_LOG_BYTES", 0)
    world = World(home, contacts(2))
    world.recovered()
    world.ledger.close()
    ledger = Ledger(home.ledger)
    in_the_way = home.ledger.with_name(f"{home.ledger.name}.next.part")
    in_the_way.mkdir()
    resume(ledger, world.campaign_id, world.clock.now())
    found = standing(home, ledger, START)
    (row,) = found.campaigns.to_dicts()
    (told,) = [reason for reason in reasons(row, found, START) if str(in_the_way) in reason]
    assert "slows every tick" in told
    in_the_way.rmdir()
    assert standing(home, ledger, START).untaken is None
