"""Whether a Prefect server is there, asked over HTTP."""

import pytest

from flows.serving.server import answers, settings_for
from tests.flows.serving.answering import answering


@pytest.fixture
def api():
    """The answers of a server by path, 200 where there is none, and its address."""
    statuses = {}
    with answering(lambda path: (statuses.get(path, 200), b"")) as address:
        yield statuses, address


def test_a_server_without_its_database_is_not_there(api):
    statuses, address = api
    assert answers(address)
    statuses["/api/ready"] = 503
    assert not answers(address)


def test_a_server_of_this_machine_is_asked_without_a_proxy(api, monkeypatch):
    _, address = api
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "example.org,127.0.0.1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert settings_for("folder", 4200)["no_proxy"] == "127.0.0.1,example.org"
    monkeypatch.delenv("no_proxy")
    assert answers(address)
