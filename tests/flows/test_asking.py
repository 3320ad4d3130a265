"""What SQL sees of plans that were changed."""

from datetime import timedelta

from flows.asking import ask
from flows.ledger import Ledger
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

HOUR = timedelta(hours=1)
PLANNED = "select contact_id, attempt, plan_version from plan order by all"


def _asked(world, question):
    return ask(world.home, world.ledger, question).rows()


def test_a_slot_that_was_planned_anew_is_there_once(home):
    world = World(home, contacts(3), max_calls_per_day=2)
    world.clock.wait_until(START + 2 * DAY)  # every slot is missed by now
    world.run(START + 2 * DAY + timedelta(minutes=1))
    assert [row[0] for row in _asked(world, "select count(*) from plan_file")] == [6]
    assert _asked(world, PLANNED) == [("c0", 1, 2), ("c1", 1, 2), ("c2", 1, 2)]
    assert _asked(world, "select count(*), max(state) from planned_and_actual") == [(3, "scheduled")]


def test_further_attempts_stand_beside_the_first(home):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 30}}
    world = World(
        home,
        contacts(2),
        dialer=Chosen(lambda contact, _: {"c0": "busy"}.get(contact, "completed")),
        retry=retry,
    )
    world.run(START + DAY)
    assert _asked(world, PLANNED) == [("c0", 1, 1), ("c0", 2, 2), ("c1", 1, 1)]
    states = "select contact_id, attempt, state from planned_and_actual order by all"
    assert _asked(world, states) == [("c0", 1, "busy"), ("c0", 2, "busy"), ("c1", 1, "completed")]


def test_a_slot_that_waits_for_another_is_no_slot(home):
    world = World(home, contacts(3), ends_at="2026-03-23T17:00:00")
    world.clock.wait_until(START + 12 * HOUR)  # past the end: there is no room to plan them anew
    world.run(START + 13 * HOUR)
    assert _asked(world, "select count(*) from plan") == [(0,)]
    assert _asked(world, "select contact_id, plan_version from pending order by all") == [
        ("c0", None),
        ("c1", None),
        ("c2", None),
    ]


def test_an_edit_takes_the_place_of_all_that_was(home):
    world = World(home, contacts(4), max_calls_per_day=2)
    world.load(contacts(5), "more.csv")
    world.schedule()
    world.update(end_time="15:00")
    assert _asked(world, PLANNED) == [(f"c{number}", 1, 3) for number in range(5)]


def test_the_time_between_two_instants_can_be_asked_for(home):
    between = "timestamptz '2026-03-23 10:00:03' - timestamptz '2026-03-23 10:00:00.5'"
    answer = ask(home, Ledger(None), f"select {between} as late, [{between}] as all_late, 2 as calls")
    assert answer.rows() == [("00:00:02.5", "['00:00:02.5']", 2)]
