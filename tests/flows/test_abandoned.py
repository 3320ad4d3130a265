"""What dispatchers that died have left is judged by what the journal has once they are proven dead."""

from flows import abandoned
from flows.abandoned import take_over
from flows.journal import Journal
from flows.owners import Owner
from flows.placing import notes
from tests.people import contacts
from tests.world import START, World


def test_who_notes_a_call_and_dies_while_being_looked_at_has_dialled_it(home, monkeypatch):
    world = World(home, contacts(1))
    world.clock.wait_until(START)
    dying = Owner(home.owners, world.ledger, world.clock)
    world.claim(dying)
    claimed = world.read("list_claimed", lease_id=world.read("copy_call")["lease_id"][0])
    tell_journal = abandoned.tell_journal

    def meanwhile(*of):
        tell_journal(*of)
        with Journal(home.journal).writing() as page:
            page.note(notes(claimed, world.clock.now()))
        dying.let_go()

    monkeypatch.setattr(abandoned, "tell_journal", meanwhile)
    with Owner(home.owners, world.ledger, world.clock) as other:
        assert take_over(home.owners, world.ledger, Journal(home.journal), other.owner_id, world.clock.now())
    (call,) = world.calls.to_dicts()
    assert (call["state"], call["noted_at"]) == ("unknown", START)
