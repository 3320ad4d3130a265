"""What a provider may write in an answer, sane or not, and what is made of it."""

import json
from datetime import UTC, datetime

import pytest

from flows.dialers.truedy_answers import Report, read_answer, read_report

NOW = datetime(2026, 3, 23, 14, tzinfo=UTC)


def _created(**data):
    return read_answer(201, {}, json.dumps({"data": data}).encode(), NOW)


@pytest.mark.parametrize("call_id", ["", None, 7, "i" * 201, "half \ud800", ["a"]])
def test_an_id_that_cannot_be_kept_leaves_the_call_unknown(call_id):
    answer = _created(id=call_id, status="queued")
    assert (answer.state, answer.provider_call_id) == ("unknown", None)


@pytest.mark.parametrize("word", ["busy \udfff", "w" * 10_000, {"a": "\ud800"}, None, 3])
def test_whatever_a_provider_writes_is_kept_as_text_that_a_file_can_hold(word):
    report = read_report("c1", 200, {}, json.dumps({"data": {"status": word}}).encode(), NOW)
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
    report = read_report("c1", 200, {}, json.dumps(data).encode(), NOW)
    assert (report.state, report.reported_at) == ("completed", NOW)


def test_an_answer_about_another_call_is_no_news():
    for call_id in ("another", None, 7):
        body = json.dumps({"data": {"id": call_id, "status": "no-answer"}}).encode()
        assert read_report("c1", 200, {}, body, NOW) == Report()
    body = json.dumps({"data": {"id": "c1", "status": "no-answer"}}).encode()
    assert read_report("c1", 200, {}, body, NOW).state == "no_answer"


@pytest.mark.parametrize("status", [301, 307, 308, 404, 405, 410])
def test_where_no_api_is_nobody_was_called(status):
    assert read_answer(status, {"Location": "https://example.org"}, b"", NOW).state == "refused"


@pytest.mark.parametrize("status", [302, 303])
def test_a_redirection_that_may_follow_a_call_taken_on_leaves_it_unknown(status):
    assert read_answer(status, {"Location": "https://example.org"}, b"", NOW).state == "unknown"


@pytest.mark.parametrize(
    "written", ["Mon, 23 Mar 99999999999999999999 14:00:00 GMT", "nan", "-inf", "1e999", "soon", ""]
)
def test_a_limit_holds_whatever_is_said_of_its_end(written):
    answer = read_answer(429, {"Retry-After": written}, b"", NOW)
    assert answer.state == "limited"
    assert read_report("c1", 429, {"Retry-After": written}, b"", NOW).is_limited
