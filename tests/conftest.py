import os
import random
from datetime import UTC, datetime

import pytest
from hypothesis import settings

from flows.home import Home

SEED = os.environ["TEST_SEED"] = os.environ.get("TEST_SEED") or str(random.SystemRandom().randrange(2**32))
"""Seeds the randomised tests of this run; set TEST_SEED to repeat one."""

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


def pytest_report_header() -> str:
    return f"TEST_SEED={SEED}"


def pytest_terminal_summary(terminalreporter) -> None:
    terminalreporter.write_line(f"randomised tests ran with TEST_SEED={SEED}")
