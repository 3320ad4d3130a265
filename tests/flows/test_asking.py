"""What SQL sees of plans that were changed."""

from datetime import timedelta

import pytest

from flows.asking import ask
from flows.errors import InputError, WorkError
from flows.ledger import Ledger
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

HOUR = timedelta(hours=1)
PLANNED = "select contact_id, attempt, plan_version from plan order by all"


def _asked(world, question):
    return ask(world.home, world.ledger, question).rows()


def _planned_anew(home):
    world = World(home, contacts(3), max_calls_per_day=2)
    world.clock.wait_until(START + 2 * DAY)  # every slot is missed by now
    world.run(START + 2 * DAY + timedelta(minutes=1))
    return world


def test_a_slot_that_was_planned_anew_is_there_once(home):
    world = _planned_anew(home)
    assert [row[0] for row in _asked(world, "select count(*) from plan_file")] == [6]
    assert _asked(world, PLANNED) == [("c0", 1, 2), ("c1", 1, 2), ("c2", 1, 2)]
    assert _asked(world, "select count(*), max(state) from planned_and_actual") == [(3, "scheduled")]


def test_what_was_made_is_there_after_an_edit_and_what_is_not_to_come_is_cancelled(home):
    world = World(home, contacts(3))
    made = "select contact_id, state, called_at is not null from planned_and_actual order by all"
    world.run(START + timedelta(minutes=10))
    world.update(end_time="15:00")
    assert _asked(world, "select contact_id from plan order by all") == [("c1",), ("c2",)]
    assert _asked(world, made) == [
        ("c0", "completed", True),
        ("c1", "scheduled", False),
        ("c2", "scheduled", False),
    ]
    world.cancel()
    assert _asked(world, made) == [
        ("c0", "completed", True),
        ("c1", "cancelled", False),
        ("c2", "cancelled", False),
    ]


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


def test_a_further_attempt_that_is_not_made_is_not_to_come(home):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 30}}
    busy, ends_at = Chosen(lambda *_: "busy"), "2026-03-24T14:00"
    world = World(home, contacts(1), busy, retry=retry, max_calls_per_day=1, ends_at=ends_at)
    world.run(START + 2 * HOUR)
    states = "select attempt, state from planned_and_actual order by all"
    assert _asked(world, states) == [(1, "busy"), (2, "scheduled")]
    world.clock.wait_until(START + 2 * DAY)  # nobody dispatched on the second day, and there is no third
    world.run(START + 2 * DAY + HOUR)
    assert world.state == "completed"
    assert _asked(world, states) == [(1, "busy")]


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


def test_no_answer_lacks_the_rows_of_files_that_are_gone(home):
    world = World(home, contacts(3))
    ((name,),) = _asked(world, "select file from plan_version")
    (home.plans / name).unlink()
    for question in (PLANNED, "with p as (from planned_and_actual) select 1 where exists (from p)"):
        with pytest.raises(WorkError, match=f"{name}: gone"):
            _asked(world, question)
    assert _asked(world, "select count(*) from excluded, (from call) as plan") == [(0,)]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_damaged_file_is_not_taken_for_a_wrong_question(home, which, kept):
    world = _planned_anew(home)
    names = _asked(world, "select file from plan_version where is_current order by all")
    assert len(names) == 2
    damaged = home.plans / names[which][0]
    content = damaged.read_bytes()
    damaged.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(WorkError, match=str(damaged)):
        _asked(world, PLANNED)


@pytest.mark.parametrize(
    "question", ["select nope from plan", "from nope", "from glob('/*')", "select strptime('a', '%Q')"]
)
def test_a_wrong_question_is_told_from_a_store_that_cannot_answer(home, question):
    with pytest.raises(InputError, match="sql: "):
        ask(home, Ledger(None), question)
    with pytest.raises(WorkError, match="sql: "):
        ask(home, Ledger(None), "select cast('a' as int)")


def test_the_time_between_two_instants_can_be_asked_for(home):
    between = "timestamptz '2026-03-23 10:00:03' - timestamptz '2026-03-23 10:00:00.5'"
    answer = ask(home, Ledger(None), f"select {between} as late, [{between}] as all_late, 2 as calls")
    assert answer.rows() == [("00:00:02.5", "['00:00:02.5']", 2)]


WRITES = [
    "explain analyze copy (select 1) to '{file}'",
    "with t as (copy (select 1) to '{file}') select * from t",
    "with t as (insert into call values (1) returning *) select * from t",
    "with t as (delete from call returning *) select * from t union all select * from t",
    "copy (select 1) to '{file}'",
    "select 1; select 2",
]


@pytest.mark.parametrize("question", WRITES)
def test_nothing_is_written_by_what_looks_like_a_question(home, question):
    world = World(home, contacts(2))
    (plan,) = home.plans.rglob("000001.parquet")
    before = plan.read_bytes()
    with pytest.raises(InputError, match="only reads"):
        ask(home, world.ledger, question.format(file=plan))
    assert plan.read_bytes() == before


def test_every_way_to_read_is_a_question(home):
    questions = [
        "with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select max(n) from t",
        "select count(*) from (from plan where contact_id = 'c0' union all from plan)",
        'select \'"type":"COPY_QUERY_NODE"\' as x',
        "describe plan",
        "summarize plan",
        "show tables",
    ]
    world = World(home, contacts(2))
    assert [not ask(home, world.ledger, question).is_empty() for question in questions] == [True] * 6
