"""What a provider may write in an answer, sane or not, and what is made of it."""

import json
from datetime import UTC, datetime

import pytest

from flows.dialers.truedy_answers import read_answer, read_report

NOW = datetime(2026, 3, 23, 14, tzinfo=UTC)


def _created(**data):
    return read_answer(201, {}, json.dumps({"data": data}).encode(), NOW)


@pytest.mark.parametrize("call_id", ["", None, 7, "i" * 201, "half \ud800", ["a"]])
def test_an_id_that_cannot_be_kept_leaves_the_call_unknown(call_id):
    answer = _created(id=call_id, status="queued")
    assert (answer.state, answer.provider_call_id) == ("unknown", None)


@pytest.mark.parametrize("word", ["busy \udfff", "w" * 10_000, {"a": "\ud800"}, None, 3])
def test_whatever_a_provider_writes_is_kept_as_text_that_a_file_can_hold(word):
    report = read_report(200, {}, json.dumps({"data": {"status": word}}).encode(), NOW)
    assert report.state is None
    assert 0 < len(report.provider_status.encode()) <= 200
    assert _created(id="c1", status="failed", error=word).state == "failed"
    answer = read_answer(400, {}, json.dumps({"error": {"message": word}}).encode(), NOW)
    assert len(answer.reason.encode()) <= 200


@pytest.mark.parametrize(
    "ended_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", 1e300, float("nan"), "soon", None]
)
def test_an_absurd_instant_is_none(ended_at):
    data = {"data": {"status": "completed", "ended_at": ended_at}}
    report = read_report(200, {}, json.dumps(data).encode(), NOW)
    assert (report.state, report.reported_at) == ("completed", NOW)
