import pytest

from tests.provider.running import running_provider
from tests.provider.settings import Settings

MISBEHAVES_NOT = Settings().as_given()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_provider(tmp_path_factory.mktemp("provider"), seed=7) as provider:
        yield provider


@pytest.fixture
def provider(running):
    running.set(**MISBEHAVES_NOT)
    return running
