"""A provider and the way to it in simulated time: it keeps a record of every ring that callplan never sees.

Its clock is the time since boot, which nobody sets, so its record tells when something truly happened.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import polars as pl

from flows.budget import RequestBudget
from flows.clock import SimulatedClock
from flows.dialers.dialer import ANSWERS, REPORTS, UNSENT
from flows.dialers.truedy_answers import Answer, Report, read_answer, read_report

Key = tuple[str, str, int]
"""What a call is made for, and the key its requests bear: campaign, contact, attempt."""

KEYS_LIVE = timedelta(minutes=10)
"""How long the provider remembers a key; a request that comes later rings again."""

ANSWER_WAIT = timedelta(seconds=30)
_MOMENT = timedelta(milliseconds=200)
"""Replies come in at whole ones: a dispatcher reads those of a moment together, as from a busy line."""

LATE = timedelta(seconds=75)
NEVER = timedelta(days=36_500)

LIMITS = {
    "reset_at": 4.0,
    "reset_unix": 4.0,
    "seconds": 4.0,
    "date": 4.0,
    "absent": 1.0,
    "negative": 4.0,
    "absurd": 0.3,
    "word": 1.0,
}
"""The ways in which a 429 says when to come back, and how often: those that hold all for long are rarer."""

_BACK_SECONDS = (1, 1, 1, 2, 5, 5, 40, 200)

_HTML = b"<!doctype html><html><body><h1>Under maintenance</h1></body></html>"
_WORDS = [
    ({"status": "completed", "outcome": "completed"}, "completed", 5),
    ({"status": "completed"}, "completed", 3),
    ({"status": "ended", "ended_reason": "no-answer"}, "no_answer", 2),
    ({"status": "no-answer"}, "no_answer", 1),
    ({"status": "busy"}, "busy", 1),
    ({"status": "completed", "outcome": "voicemail"}, "voicemail", 1),
    ({"status": "failed", "error": "carrier"}, "failed", 1),
    ({"status": "cancelled"}, "failed", 1),
]


def key_of(row: Mapping[str, Any]) -> Key:
    """Return the key of a call, a request or an event."""
    return row["campaign_id"], row["contact_id"], row["attempt"]


@dataclass
class Weather:
    """Which share of requests meets which fault; ``calls`` and ``look_ups`` name kinds and their shares.

    ``endless`` is the share of calls that stay in progress for ever, ``crashing`` that of slices at which the
    dialer itself breaks. Where ``all_talk`` everybody picks up, so that nobody is tried once more.
    """

    calls: Mapping[str, float] = field(default_factory=dict)
    look_ups: Mapping[str, float] = field(default_factory=dict)
    endless: float = 0.0
    crashing: float = 0.0
    all_talk: bool = False


@dataclass(frozen=True)
class Request:
    """A request that left: when by the dispatcher's clock and since boot, for which slot, from whom."""

    at: datetime
    since_boot: timedelta
    key: Key
    row: Mapping[str, Any]
    sender: str
    fault: str


@dataclass
class Call:
    """A call as the provider knows it; instants are times since boot."""

    call_id: str
    key: Key
    phone: str
    rang_at: timedelta
    talks_at: timedelta
    ends_at: timedelta
    said: Mapping[str, str]
    outcome: str

    def body(self, now: timedelta, began: datetime) -> dict[str, Any]:
        """Return what the provider says of it at ``now``."""
        if now >= self.ends_at:
            return {"id": self.call_id, **self.said, "ended_at": (began + self.ends_at).isoformat()}
        if now >= self.talks_at:
            return {"id": self.call_id, "status": "in-progress"}
        return {"id": self.call_id, "status": "ringing" if now > self.rang_at else "queued"}


class Network:
    """The provider with its record: what rang, and what was asked of it in what order."""

    def __init__(self, seed: int, clock: SimulatedClock, call_lasts: tuple[float, float] = (2, 90)) -> None:
        self.seed, self.clock = seed, clock
        self.weather = Weather()
        self.calls: dict[str, Call] = {}
        self.rings: list[Call] = []
        self.log: list[tuple[str, Any]] = []
        """Requests and what people did, in the order in which it happened."""
        self.holds: list[tuple[timedelta, timedelta]] = []
        """When a 429 was read, and until when it asks everybody to wait, since boot."""
        self.asked_at: dict[Key, list[datetime]] = defaultdict(list)
        """When each call was asked about, by the clock on the wall."""
        self.met: Counter[str] = Counter()
        self._call_lasts = call_lasts
        self._known: dict[Key, Call] = {}
        self._asked: Counter[object] = Counter()
        self._late: list[tuple[timedelta, Mapping[str, Any]]] = []
        self.began = clock.now() - clock.since_boot()

    @property
    def requests(self) -> list[Request]:
        """Everything that left for the provider, in order."""
        return [what for kind, what in self.log if kind == "request"]

    def catch_up(self) -> None:
        """Place the calls whose placing took long and whose moment has come."""
        now = self.clock.since_boot()
        for at, row in sorted((late for late in self._late if late[0] <= now), key=lambda late: late[0]):
            self._place(row, at)
        self._late = [late for late in self._late if late[0] > now]

    def post(self, row: Mapping[str, Any], sender: str) -> tuple[timedelta, Callable[[datetime], Answer]]:
        """Take a create-call; return how long its answer takes, and how the client reads it then."""
        self.catch_up()
        key = key_of(row)
        now = self.clock.since_boot()
        draws = self._draws("call", key)
        kind = _drawn(draws, self.weather.calls)
        if self._knows(key, now) and kind in ("failed_body", "invalid"):
            kind = "fine"  # it has taken on the call that this key stands for
        self.met[kind] += kind != "fine"
        if kind == "unsent":
            return _seconds(draws, 0.01, 0.2), lambda _: Answer(UNSENT, reason="connection refused")
        self.log.append(("request", Request(self.clock.now(), now, key, dict(row), sender, kind)))
        if self._places(kind, draws):
            call = self._place(row, now)
            if kind == "fine":
                return self._says(draws, 201, {"data": call.body(now, self.began)})
        if kind == "timeout_late":
            self._late.append((now + LATE, row))
        return self._spoilt(kind, draws, now)

    def look_up(self, call_id: str, key: Key) -> list[tuple[timedelta, Callable[[datetime], Report]]]:
        """Answer a look-up: the replies that arrive, each after a time; at least one."""
        self.catch_up()
        self.asked_at[key].append(self.clock.now())
        now = self.clock.since_boot()
        draws = self._draws("look_up", key)
        kind = _drawn(draws, self.weather.look_ups)
        call = self.calls.get(call_id)
        if kind == "contradicted" and (call is None or now < call.ends_at):
            kind = "fine"  # it has not said anything yet that it could contradict
        self.met["look_up " + kind] += kind != "fine"
        if kind == "lost":
            return [(ANSWER_WAIT, lambda _: Report())]
        if kind == "404" or call is None:
            return [self._reports(draws, call_id, 404, {"error": {"code": "not_found"}})]
        if kind == "error":
            return [self._reports(draws, call_id, draws.choice([500, 502, 503]), None)]
        if kind == "limited":
            status, headers, body = self._limit(draws, now)
            wait = _seconds(draws, 0.05, 0.5)
            return [(wait, lambda at: read_report(call_id, status, headers, body, at))]
        if kind == "word":
            word = draws.choice(["rerouted", "", "COMPLETED", "complete", "in progress"])
            return [self._reports(draws, call_id, 200, {"data": {"id": call_id, "status": word}})]
        if kind == "garbage":
            said: object = draws.choice(
                [None, {"data": None}, {"data": [1]}, {"data": {"status": None}}, [1]]
            )
            return [self._reports(draws, call_id, 200, said)]
        reply = self._reports(draws, call_id, 200, {"data": call.body(now, self.began)})
        if kind == "late":
            return [(timedelta(seconds=25), reply[1])]
        if kind == "repeated":
            return [(reply[0] * place, reply[1]) for place in range(1, 6)]
        if kind == "contradicted":
            other = {"data": {"id": call_id, **_another(draws, call)}}
            return [reply, (reply[0] + _MOMENT, self._reports(draws, call_id, 200, other)[1])]
        return [reply]

    def ended_as(self, key: Key) -> str | None:
        """Return how a call ended, as a person finds it; one that never rang failed. None: it may go on."""
        self.catch_up()
        call = self._known.get(key)
        if call is not None:
            return call.outcome if call.ends_at <= self.clock.since_boot() else None
        on_its_way = any(key_of(row) == key for _, row in self._late)
        return None if on_its_way else "failed"

    def _knows(self, key: Key, at: timedelta) -> bool:
        return key in self._known and at < self._known[key].rang_at + KEYS_LIVE

    def _places(self, kind: str, draws: random.Random) -> bool:
        """Say whether a create-call that meets this fault is placed at once."""
        if kind in ("error", "reset"):
            return draws.random() < 0.5
        return kind in ("fine", "timeout_placed", "no_id", "html")

    def _place(self, row: Mapping[str, Any], at: timedelta) -> Call:
        """Ring, unless the key is known still; return the call that the key stands for."""
        key = key_of(row)
        if self._knows(key, at):
            return self._known[key]
        draws = random.Random(f"{self.seed}:life:{key}")
        words = _WORDS[:1] if self.weather.all_talk else _WORDS
        said, outcome, _ = draws.choices(words, [weight for *_, weight in words])[0]
        talks_at = at + _seconds(draws, 1, 8)
        ends_at = (
            NEVER if draws.random() < self.weather.endless else talks_at + _seconds(draws, *self._call_lasts)
        )
        self.met["endless"] += ends_at == NEVER
        call = Call(f"call-{len(self.rings)}", key, row["phone"], at, talks_at, ends_at, said, outcome)
        self.calls[call.call_id] = self._known[key] = call
        self.rings.append(call)
        return call

    def _spoilt(
        self, kind: str, draws: random.Random, now: timedelta
    ) -> tuple[timedelta, Callable[[datetime], Answer]]:
        if kind.startswith("timeout"):
            return ANSWER_WAIT, lambda _: Answer("unknown", reason="TimeoutError after the request had left")
        if kind == "reset":
            reset = Answer("unknown", reason="ClientOSError after the request had left")
            return _seconds(draws, 0.05, 1), lambda _: reset
        if kind == "limited":
            status, headers, body = self._limit(draws, now)
            return _seconds(draws, 0.05, 0.5), lambda at: read_answer(status, headers, body, at)
        error = {"error": {"code": kind, "message": f"it is {kind}"}}
        match kind:
            case "error":
                return self._says(draws, draws.choice([500, 502, 504]), draws.choice([error, None]))
            case "unavailable":
                return self._says(draws, 503, draws.choice([error, None]))
            case "failed_body":
                return self._says(
                    draws, 201, {"data": {"id": f"failed-{draws.random()}", "status": "failed"}}
                )
            case "no_id":
                return self._says(
                    draws, 201, draws.choice([{"data": {"status": "queued"}}, {"data": {"id": 7}}])
                )
            case "html":
                return self._says(draws, 201, None)
            case "refused":
                return self._says(draws, draws.choice([401, 402, 403]), error)
            case "invalid":
                return self._says(draws, 422, error)
        raise ValueError(f"no such fault: {kind}")

    def _says(
        self, draws: random.Random, status: int, content: object
    ) -> tuple[timedelta, Callable[[datetime], Answer]]:
        body = _HTML if content is None else json.dumps(content).encode()
        return _seconds(draws, 0.03, 0.8), lambda at: read_answer(status, {}, body, at)

    def _reports(
        self, draws: random.Random, call_id: str, status: int, content: object
    ) -> tuple[timedelta, Callable[[datetime], Report]]:
        body = _HTML if content is None else json.dumps(content).encode()
        return _seconds(draws, 0.03, 0.8), lambda at: read_report(call_id, status, {}, body, at)

    def _limit(self, draws: random.Random, now: timedelta) -> tuple[int, dict[str, str], bytes]:
        """Return a 429 that says when to come back in one of the ways there are."""
        how = draws.choices(list(LIMITS), list(LIMITS.values()))[0]
        seconds = draws.choice(_BACK_SECONDS)
        back = self.began + now + timedelta(seconds=seconds)
        details: dict[str, Any] = {"limit": 100}
        headers: dict[str, str] = {}
        match how:
            case "reset_at":
                details["reset_at"] = back.isoformat().replace("+00:00", "Z")
            case "reset_unix":
                details["reset_at"] = back.timestamp()
            case "seconds":
                headers["Retry-After"] = str(seconds)
            case "date":
                headers["Retry-After"] = format_datetime(back.replace(microsecond=0), usegmt=True)
            case "negative":
                details["reset_at"] = (self.began + now - timedelta(hours=1)).isoformat()
                headers["Retry-After"] = "-30"
            case "absurd":
                details["reset_at"] = draws.choice(["9999-12-31T23:59:59Z", 1e300, -1e300, True])
                headers["Retry-After"] = draws.choice(["99999999999999999999", "inf", "1e999"])
            case "word":
                details["reset_at"] = {"soon": 1}
                headers["Retry-After"] = draws.choice(["soon", "Mon, 99 Foo 2026", "nan"])
        body = {"error": {"code": "rate_limited", "details": details}}
        return 429, headers, json.dumps(body).encode()

    def _draws(self, on: str, key: Key) -> random.Random:
        self._asked[on, key] += 1
        return random.Random(f"{self.seed}:{on}:{key}:{self._asked[on, key]}")


def _another(draws: random.Random, call: Call) -> Mapping[str, str]:
    """Return what the provider says of calls with another outcome than this one."""
    return draws.choice([said for said, outcome, _ in _WORDS if outcome != call.outcome])


def _drawn(draws: random.Random, shares: Mapping[str, float]) -> str:
    left = draws.random()
    for kind, share in shares.items():
        left -= share
        if left < 0:
            return kind
    return "fine"


def _seconds(draws: random.Random, shortest: float, longest: float) -> timedelta:
    return timedelta(microseconds=int(draws.uniform(shortest, longest) * 1_000_000))


class Line:
    """The way to the provider from one dispatcher: a dialer (``flows/dialers/dialer.py``)."""

    keys_live = KEYS_LIVE

    def __init__(
        self, network: Network, budget: RequestBudget, sender: str, dies: Callable[[str], None]
    ) -> None:
        self._network, self._budget, self._sender, self._dies = network, budget, sender, dies

    @property
    def budget(self) -> RequestBudget:
        """The requests that all dispatchers may make."""
        return self._budget

    def prepare(self, requests: int) -> None:
        """Do nothing: how long a request takes to leave is drawn for each."""

    def send(self, requests: pl.DataFrame, now: datetime) -> "Answers":  # noqa: ARG002 - the network has a clock
        """Send one request per row."""
        self._dies("before sending")
        network, sent = self._network, Answers(self._network, ANSWERS, self._budget)
        if (
            network.weather.crashing
            and network._draws("slice", ("", "", 0)).random() < network.weather.crashing
        ):
            network.met["crashing"] += requests.height
            raise RuntimeError("the dialer is broken")
        for row in requests.iter_rows(named=True):
            wait, reads = network.post(row, self._sender)
            named = {name: row[name] for name in ("campaign_id", "contact_id", "attempt", "lease_id")}
            sent.expect(wait, named, reads)
        self._dies("after sending")
        return sent

    def look_up(self, calls: pl.DataFrame, now: datetime) -> "Answers":  # noqa: ARG002 - the network has a clock
        """Ask once for each call."""
        asked = Answers(self._network, REPORTS, self._budget)
        for row in calls.iter_rows(named=True):
            named = {name: row[name] for name in ("campaign_id", "contact_id", "attempt")}
            for wait, reads in self._network.look_up(row["provider_call_id"], tuple(named.values())):
                asked.expect(wait, named, reads)
        return asked


class Answers:
    """Requests on their way, whose replies come in at moments of the time since boot."""

    def __init__(self, network: Network, schema: pl.Schema, budget: RequestBudget) -> None:
        self._network, self._clock, self._schema, self._budget = network, network.clock, schema, budget
        self._coming: list[tuple[timedelta, Mapping[str, Any], Callable[[datetime], Any]]] = []

    def expect(self, wait: timedelta, named: Mapping[str, Any], reads: Callable[[datetime], Any]) -> None:
        """Have a reply come in after ``wait``, together with others of the same moment."""
        late = -(self._clock.since_boot() + wait) % _MOMENT
        self._coming.append((self._clock.since_boot() + wait + late, named, reads))

    @property
    def is_open(self) -> bool:
        """Whether a reply is still to come."""
        return bool(self._coming)

    def replies(self, now: datetime) -> pl.DataFrame:
        """Return what has come in since this was asked last, read as the dialer for Truedy reads it."""
        since_boot = self._clock.since_boot()
        came = [coming for coming in self._coming if coming[0] <= since_boot]
        self._coming = [coming for coming in self._coming if coming[0] > since_boot]
        rows = [self._row(named, reads(now), now) for _, named, reads in came]
        return pl.DataFrame([row for row in rows if row is not None], schema=self._schema)

    def wakes_at(self, now: datetime) -> datetime:
        """Return when the next reply comes in, by a clock that is not set."""
        first = min((at for at, _, _ in self._coming), default=self._clock.since_boot())
        return now + max(first - self._clock.since_boot(), timedelta())

    def _row(self, named: Mapping[str, Any], said: Answer | Report, now: datetime) -> dict[str, Any] | None:
        if isinstance(said, Answer):
            if said.state == "limited":
                self._hold(said.held_until, now)
            return dict(named) | {
                "state": said.state,
                "provider_call_id": said.provider_call_id,
                "answered_at": now,
                "reason": said.reason,
            }
        if said.is_limited:
            self._hold(said.held_until, now)
        if said.provider_status is None:
            return None
        return dict(named) | {
            "state": said.state,
            "provider_status": said.provider_status,
            "reported_at": said.reported_at or now,
            "reason": said.reason,
        }

    def _hold(self, until: datetime | None, now: datetime) -> None:
        told_at = self._clock.since_boot()
        self._network.holds.append((told_at, told_at + (self._budget.hold(until, now) - now)))
