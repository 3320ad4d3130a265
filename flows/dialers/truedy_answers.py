"""What Truedy's answers mean, as far as its API is known: which calls rang and which may have."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from flows.dialers.dialer import LIMITED, REFUSED

MOST_ANSWER_BYTES = 1_000_000
"""A longer answer is not read on: nothing that Truedy documents comes near."""

_UNDER_WAY = {"queued", "ringing", "in-progress", "in_progress"}
_OUTCOMES = {
    "completed": "completed",
    "ended": "completed",
    "failed": "failed",
    "cancelled": "failed",
    "canceled": "failed",
    "no-answer": "no_answer",
    "no_answer": "no_answer",
    "busy": "busy",
    "voicemail": "voicemail",
}
_NOT_TAKEN = {401: "the key is not accepted", 402: "there is no credit left", 403: "the key may not do this"}
_WRONG_ADDRESS = {404, 405, 407, 410, 421, 426, 431, 301, 307, 308}
"""None of these says anything of the contact. After these redirections the request was not carried out (RFC
9110); after 302 and 303 it may have been."""
_MAY_HAVE_RUNG = {408, 409, 425, 499}
_LONGEST_REASON = 200
_LONGEST_ID = 200


@dataclass(frozen=True)
class Answer:
    """What an answer to a create-call means: a state of ``ANSWERS``, and until when to hold others."""

    state: str
    provider_call_id: str | None = None
    reason: str | None = None
    held_until: datetime | None = None


@dataclass(frozen=True)
class Report:
    """What an answer to a look-up means: an outcome, or a word that is none, or that the call goes on."""

    state: str | None = None
    provider_status: str | None = None
    reported_at: datetime | None = None
    reason: str | None = None
    is_limited: bool = False
    held_until: datetime | None = None


def read_answer(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Answer:
    """Return what the answer to a create-call means. What is not clear is ``unknown``: it may have rung."""
    content = _content(body)
    if 200 <= status < 300:
        return _created(content)
    message = _message(status, content)
    if status == 429:
        return Answer(LIMITED, reason=message, held_until=_held_until(headers, content, now))
    if status in _NOT_TAKEN:
        return Answer(REFUSED, reason=f"{_NOT_TAKEN[status]}: {message}")
    if status in _WRONG_ADDRESS:
        return Answer(REFUSED, reason=f"there is no Truedy API at this address: {message}")
    if 400 <= status < 500 and status not in _MAY_HAVE_RUNG:
        return Answer("failed", reason=message)
    return Answer("unknown", reason=message)


def read_report(
    provider_call_id: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> Report:
    """Return what the answer to a look-up means; unknown words and another call's are no outcome."""
    content = _content(body)
    if status == 429:
        return Report(is_limited=True, held_until=_held_until(headers, content, now))
    data = content.get("data") if status == 200 else None
    if not isinstance(data, dict) or data.get("id", provider_call_id) != provider_call_id:
        return Report()
    word = _text(data.get("status", ""))
    if word in _UNDER_WAY:
        return Report()
    if word not in _OUTCOMES:
        return Report(provider_status=word)
    return Report(_outcome(word, data), word, _ended_at(data, now), _reason_of(data))


def _created(content: Mapping[str, Any]) -> Answer:
    data = content.get("data")
    call_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(call_id, str) or not call_id:
        return Answer("unknown", reason="the call was taken on without an id")
    if len(call_id) > _LONGEST_ID or _text(call_id) != call_id:
        return Answer("unknown", reason="the call was taken on with an id that cannot be kept")
    word = _text(data.get("status", "queued"))
    if word in _OUTCOMES:
        return Answer(_outcome(word, data), call_id, _reason_of(data))
    return Answer("in_progress", call_id)


def _outcome(word: str, data: Mapping[str, Any]) -> str:
    """Return the outcome: what an ended call says of it in detail, else what its status says."""
    detail = str(data.get("outcome") or data.get("ended_reason") or "")
    return _OUTCOMES.get(detail, _OUTCOMES[word]) if _OUTCOMES[word] == "completed" else _OUTCOMES[word]


def _reason_of(data: Mapping[str, Any]) -> str | None:
    reason = data.get("ended_reason") or data.get("error")
    return None if reason is None else _text(reason)


def _text(written: object) -> str:
    """Return what was written, cut where it is too long, as text that any file can hold.

    JSON may have half of a character that is written as two; it is replaced.
    """
    return str(written)[:_LONGEST_REASON].encode("utf-8", "replace").decode()


def _ended_at(data: Mapping[str, Any], now: datetime) -> datetime:
    ended_at = _instant(data.get("ended_at"))
    return now if ended_at is None or ended_at > now else ended_at


def _content(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _message(status: int, content: Mapping[str, Any]) -> str:
    error = content.get("error")
    told = str(error.get("message") or error.get("code") or "") if isinstance(error, dict) else ""
    return _text(f"HTTP {status} {told}".strip())


def _held_until(headers: Mapping[str, str], content: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return until when to wait, from ``reset_at`` or the header ``Retry-After``, in any of their forms."""
    error = content.get("error")
    details = error.get("details") if isinstance(error, dict) else None
    if isinstance(details, dict) and (found := _instant(details.get("reset_at"))) is not None:
        return found
    written = headers.get("Retry-After", "")
    try:
        return now + timedelta(seconds=min(float(written), 86_400.0))
    except (ValueError, OverflowError):
        pass
    try:
        date = parsedate_to_datetime(written)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _instant(written: object) -> datetime | None:
    """Return an instant written in ISO 8601 or as seconds since 1970, or None."""
    try:
        if isinstance(written, int | float) and not isinstance(written, bool):
            return datetime.fromtimestamp(written, UTC)
        read = datetime.fromisoformat(str(written))
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
