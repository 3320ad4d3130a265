"""What the provider says: the answers of its good days, and what each fault makes of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.provider.faults import REFUSALS, Fault

_HTML = "<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


@dataclass(frozen=True)
class Answer:
    """A status, a body (a mapping is sent as JSON, text as HTML) and headers."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        """The type of the body."""
        return "text/html" if isinstance(self.body, str) else "application/json"

    def encoded(self) -> bytes:
        """Return the bytes of the body."""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


NO_ANSWER = Answer(0, {})
"""For a request whose body was not read to its end: there is nothing to say and no one to say it to."""


def success(status: int, data: Mapping[str, Any], meta: Mapping[str, Any]) -> Answer:
    """Return the answer that carries data."""
    return Answer(status, {"data": data, "meta": meta})


def error(status: int, code: str, message: str, details: Any, meta: Mapping[str, Any]) -> Answer:
    """Return the answer that says what is wrong."""
    return Answer(status, {"error": {"code": code, "message": message, "details": details}, "meta": meta})


def limited(details: Mapping[str, Any], meta: Mapping[str, Any]) -> Answer:
    """Return the answer to one request too many."""
    return error(429, "rate_limited", "too many requests", details, meta)


def iso(unix_seconds: float) -> str:
    """Return an instant as Truedy writes it."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat().replace("+00:00", "Z")


def spoilt(answer: Answer, fault: Fault, meta: Mapping[str, Any], now: float) -> Answer:
    """Return what is said instead of the good answer by a request that met the fault."""
    match fault.kind:
        case "error" if fault.own["status"] == 500:
            return error(500, "internal_error", "something went wrong", {}, meta)
        case "error":  # said by the gateway in front, which speaks no JSON
            return Answer(fault.own["status"], _HTML.format(f"{fault.own['status']} from the gateway"))
        case "limited":
            return _limited(fault, meta, now)
        case "refused":
            code = REFUSALS[fault.own["status"]]
            return error(fault.own["status"], code, code.replace("_", " "), {}, meta)
        case "bad_field":
            return error(422, "validation_error", "a field is wrong", {"agent_id": "no such agent"}, meta)
        case "garbage":
            return replace(answer, body=_HTML.format("Under maintenance"))
        case "no_id":
            return _with_data(answer, lambda name: name != "id")
        case "unknown_status":
            return _with_data(answer, lambda _: True, status="rerouted")
        case _:
            return answer


def _with_data(answer: Answer, keeps: Any, **changes: Any) -> Answer:
    if isinstance(answer.body, str) or "data" not in answer.body:
        return answer
    data = {name: value for name, value in answer.body["data"].items() if keeps(name)} | changes
    return replace(answer, body={**answer.body, "data": data})


def _limited(fault: Fault, meta: Mapping[str, Any], now: float) -> Answer:
    """Return a 429 that says when to come back in the way the fault asks for."""
    seconds = fault.own["seconds"]
    details: dict[str, Any] = {"limit": 100}
    headers: dict[str, str] = {}
    match fault.own["how"]:
        case "reset_at":
            details["reset_at"] = iso(now + seconds)
        case "seconds":
            headers["Retry-After"] = str(seconds)
        case "date":
            headers["Retry-After"] = format_datetime(datetime.fromtimestamp(now + seconds, UTC), usegmt=True)
        case "negative":
            details["reset_at"] = iso(now - seconds)
            headers["Retry-After"] = str(-seconds)
        case "absurd":
            details["reset_at"] = "9999-12-31T23:59:59Z"
            headers["Retry-After"] = "99999999999999999999"
        case _:  # absent
            details = {}
    return replace(limited(details, meta), headers=headers)
