import os
import random
from datetime import UTC, datetime

import pytest
from hypothesis import settings

from flows.home import Home
from tests.examples import SCENARIOS, SEED, held_by

EXAMPLES_HELD = "examples_held"
LONGEST = ("tests/ui/", "tests/flows/test_prefect.py", "tests/faults/")
"""Where tests wait for minutes until something was started.

They run in this order: the first process begins with them, and nobody takes what needs a server from it.
"""

_TURNS = list(enumerate(LONGEST))

for name in [name for name in os.environ if name.startswith(("CALLPLAN_", "PREFECT_"))]:
    del os.environ[name]

settings.register_profile("callplan", deadline=None, print_blob=True)
settings.load_profile("callplan")


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    home = Home(tmp_path / "store").make()
    monkeypatch.setenv("CALLPLAN_HOME", str(home.path))
    return home


def pytest_collection_modifyitems(config, items) -> None:
    """Draw scenarios, and begin with what takes longest, so that no process is left with it at the end."""
    scenarios = [item for item in items if item.get_closest_marker("scenario")]
    if left_out := set(random.Random(SEED).sample(scenarios, len(scenarios) * (100 - SCENARIOS) // 100)):
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: next((turn for turn, name in _TURNS if item.nodeid.startswith(name)), 9))


def pytest_report_header() -> str:
    return f"TEST_SEED={SEED}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Let the report of a test carry how many examples it held, from whichever process it ran in."""
    report = yield
    if call.when == "call" and (held := held_by(item.name)):
        report.user_properties.append((EXAMPLES_HELD, held))
    return report


def pytest_terminal_summary(terminalreporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    held = sum(dict(report.user_properties).get(EXAMPLES_HELD, 0) for report in reports)
    if held:
        terminalreporter.write_line(f"the planner held {held:,} examples against the oracle")
    if SCENARIOS < 100:
        terminalreporter.write_line(f"{SCENARIOS} in 100 scenarios were drawn; TEST_SCENARIOS=100 runs all")
    terminalreporter.write_line(f"randomised tests ran with TEST_SEED={SEED}")
