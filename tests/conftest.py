import os
from datetime import UTC, datetime

import pytest
from hypothesis import settings

from flows.home import Home

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
