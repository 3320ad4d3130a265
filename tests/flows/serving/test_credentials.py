"""What the supervisor keeps of the block with Truedy's key."""

import json

import pytest

from flows.serving.credentials import KeptCredentials, credentials_of
from tests.flows.serving.answering import answering

BEFORE = {"TRUEDY_API_KEY": "before"}
BLOCK = {"base_url": "https://example.org/v1", "api_key": "secret", "requests_per_minute": 60}


def _answering(status, data):
    """Give the address of a server that answers so."""
    return answering(lambda _: (status, json.dumps({"data": data}).encode()))


def _said(status, data):
    """Return what comes of a server that answers so."""
    with _answering(status, data) as api:
        return credentials_of(api, BEFORE)


def test_what_the_block_says_is_what_the_environment_would():
    assert _said(200, BLOCK) == {
        "TRUEDY_BASE_URL": "https://example.org/v1",
        "TRUEDY_API_KEY": "secret",
        "TRUEDY_REQUESTS_PER_MINUTE": "60",
    }


@pytest.mark.parametrize(
    ("status", "data", "said"),
    [
        (404, {}, {}),
        (200, BLOCK | {"base_url": "nowhere"}, {}),
        (503, {}, BEFORE),
        (200, None, BEFORE),
    ],
)
def test_a_block_that_is_gone_or_not_valid_gives_none_and_a_server_in_trouble_leaves_what_there_was(
    status, data, said
):
    assert _said(status, data) == said


def test_a_server_that_is_away_leaves_what_there_was():
    assert credentials_of("http://127.0.0.1:9/api", BEFORE) == BEFORE


def test_what_was_said_is_kept_while_the_server_is_away(monkeypatch):
    for name in ("TRUEDY_BASE_URL", "TRUEDY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with _answering(200, BLOCK) as api:
        kept = KeptCredentials(api)
        assert kept.environment == {}
        assert kept.look()
    assert not kept.look()
    assert kept.environment["TRUEDY_API_KEY"] == "secret"


@pytest.mark.parametrize("name", ["TRUEDY_BASE_URL", "TRUEDY_API_KEY"])
def test_no_block_is_asked_where_the_environment_speaks_for_itself(monkeypatch, name):
    monkeypatch.setenv(name, "of the environment")
    with _answering(200, BLOCK) as api:
        kept = KeptCredentials(api)
        assert kept.look()
    assert kept.environment == {}
