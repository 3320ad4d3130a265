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
        env=os.environ | {"CALLPLAN_HOME": str(store), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_flows_are_seen_on_the_server_as_they_ended(seen):
    assert seen["flows"] == {
        "load-contacts": "Completed",
        "schedule-campaign": "Completed",
        "dispatch-due": "Completed",
        "dispatch-good": "Completed",
        "dispatch-bad": "Failed",
    }


def test_calls_are_placed_in_tasks_that_the_server_sees(seen):
    states = [state for _, state in seen["tasks"]]
    assert states.count("Completed") >= 2
    assert states.count("Failed") >= 1
    assert all(name.startswith("place ") for name, _ in seen["tasks"])


def test_a_failed_task_is_not_swallowed(seen):
    assert seen["errors"]
    assert all(problem.endswith("failed: ValueError('no line')") for problem in seen["errors"])
