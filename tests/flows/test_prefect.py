import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a real Prefect server saw of a session with a good and a bad dispatch."""
    import os

    store = tmp_path_factory.mktemp("prefect") / "store"
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("prefect_session.py")],
        env=os.environ
        | {
            "CALLPLAN_HOME": str(store),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # a machine that is busy is no fault
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_flows_are_seen_on_the_server_as_they_ended(seen):
    assert seen["flows"] == [
        ["cancel-campaign", "Completed"],
        ["dispatch-bad", "Failed"],
        ["dispatch-due", "Completed"],
        ["dispatch-due", "Completed"],
        ["dispatch-good", "Completed"],
        ["load-contacts", "Completed"],
        ["pause-campaign", "Completed"],
        ["pause-campaign", "Completed"],
        ["replan-campaigns", "Completed"],
        ["resume-campaign", "Completed"],
        ["resume-campaign", "Failed"],
        ["resume-campaign", "Failed"],
        ["schedule-campaign", "Completed"],
        ["schedule-campaign", "Completed"],
    ]


def test_an_order_to_resume_is_refused_where_a_pause_has_overtaken_it_or_it_comes_late(seen):
    overtaken, late, in_time = seen["orders"]
    assert overtaken[0] == late[0] == "Failed"
    assert "By block: it was paused after this was ordered" in overtaken[1]
    assert "more than 5 minutes after its time" in late[1]
    assert in_time[0] == "Completed"


def test_runs_have_names_that_people_can_read(seen):
    assert {
        "load sample",
        "schedule Renewal reminders, version 1",
        "schedule By block, version 1",
        "pause By block, version 1",
        "resume By block, version 1",
        "cancel By block, version 1",
    } <= set(seen["names"])


def test_calls_are_placed_in_tasks_that_the_server_sees(seen):
    states = [state for _, state in seen["tasks"]]
    assert states.count("Completed") >= 2
    assert states.count("Failed") >= 1
    assert all(name.startswith("place ") for name, _ in seen["tasks"])


def test_a_failed_task_is_not_swallowed(seen):
    assert seen["errors"]
    assert all(problem.endswith("failed: ValueError('no line')") for problem in seen["errors"])


def test_a_plan_is_shown_with_a_picture(seen):
    kinds = [(key.rpartition("-")[0], kind) for key, kind in seen["artifacts"]]
    for name in ("renewal-reminders", "by-block"):
        assert (f"plan-{name}", "markdown") in kinds
        assert (f"hours-{name}", "image") in kinds


def test_a_plan_that_only_adds_is_shown_beside_the_plan_of_the_many(seen):
    kinds = [(key.rpartition("-")[0], kind) for key, kind in seen["artifacts"]]
    assert kinds.count(("plan-renewal-reminders", "markdown")) == 1
    assert ("added-plan-renewal-reminders", "markdown") in kinds


def test_every_change_of_a_campaign_is_one_event(seen):
    of_block = [event.rpartition(".")[2] for name, event in seen["events"] if name == "By block"]
    assert sorted(of_block) == ["active", "active", "cancelled", "draft", "paused", "scheduled"]


def test_a_key_from_a_block_places_calls_and_is_written_nowhere(seen):
    assert seen["rings"] > 0
    assert seen["secrets"] == []


def test_runs_without_a_process_are_swept_away_and_the_living_are_not(seen):
    assert seen["swept"] == {
        "died": "Crashed",
        "alive": "Running",
        "stuck": "Crashed",
        "late": False,
        "swept": 3,
    }


def test_a_run_that_falls_silent_or_never_begins_is_ended_and_one_whose_heart_beats_is_not(seen):
    assert seen["ended"] == {
        "automations": 1,
        "ended": [["Crashed", "its heartbeat has stopped"], ["Crashed", "it was never started"]],
        "alive": "Running",
    }
