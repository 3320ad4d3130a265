"""What has to hold after a trial, I1 to I6, judged from the provider's record, journal and ledger."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from flows.dialers.dialer import ANSWERS, GOES_BACK, UNSENT
from flows.dialers.truedy import idempotency_key
from flows.dispatcher import MOST_DIALS
from flows.journal import NOTES, Entry, Journal
from tests.faults.real.shop import Shop

_CALL = ["campaign_id", "contact_id", "attempt"]
_OUTCOMES = ["completed", "no_answer", "busy", "voicemail", "failed"]
_AWAKE = timedelta(milliseconds=300)
"""How long after its note a request may come in at the provider, which shares the machine with the trial."""


def judged(shop: Shop, *, all_ring: bool = True, within: timedelta | None = None) -> str | None:
    """Return what broke, or None.

    With ``all_ring`` everybody has been rung and every call is ended; else nobody may be lost, at least. With
    ``within`` requests have to come in so soon after their note.
    """
    return next(_broken(shop, all_ring, within), None)


def _broken(shop: Shop, all_ring: bool, within: timedelta | None) -> Iterator[str]:
    rings, posts = shop.provider.rings(), shop.provider.requests()
    calls, names = _calls(shop), _names(shop)
    entries = Journal(shop.home.journal).entries_after(0)
    notes = pl.concat([NOTES.to_frame(), *(entry.rows for entry in entries if entry.kind == "note")])
    yield from _doubled(rings, posts, names, notes, entries)
    yield from _untimely(shop, rings, posts, names, notes, within)
    yield from _lost(shop, calls, rings, names, all_ring)
    yield from _too_many(shop)


def _names(shop: Shop) -> dict[str, str]:
    """Return the contact of every key that may come."""
    return {
        idempotency_key(shop.campaign_id, f"c{number}", attempt): f"c{number}/{attempt}"
        for number in range(shop.calls)
        for attempt in (1, 2, 3)
    }


def _calls(shop: Shop) -> pl.DataFrame:
    with shop.ledger().session() as session:
        return session.read("list_calls", campaign_id=shop.campaign_id)


def _doubled(rings, posts, names, notes, entries) -> Iterator[str]:
    """I1: one ring for each person and key, one POST for each note; a note again only after it went back."""
    for phone, count in Counter(ring["phone_number"] for ring in rings).items():
        if count > 1:
            yield f"I1: {phone} rang {count} times"
    for key, count in Counter(ring["key"] for ring in rings).items():
        if key not in names:
            yield f"I1: a ring under an unknown key {key}"
        elif count > 1:
            yield f"I1: {names[key]} rang {count} times"
    noted = Counter(idempotency_key(*row) for row in notes.select(_CALL).iter_rows())
    for key, count in Counter(post["key"] for post in posts).items():
        if count > noted[key]:
            yield f"I1: {names.get(key, key)} was sent {count} times and noted {noted[key]} times"
    leases = set(notes.select(*_CALL, "lease_id").iter_rows())
    unsent = Counter(
        idempotency_key(*(row[name] for name in _CALL))
        for entry in entries
        if entry.kind == "answer"
        for row in entry.rows.iter_rows(named=True)
        if row["state"] == UNSENT and tuple(row[name] for name in (*_CALL, "lease_id")) in leases
    )
    came_in = Counter(post["key"] for post in posts if post["status"] is not None or post["fault"])
    for key, count in unsent.items():
        if came_in[key] > noted[key] - count:
            yield f"I1: {names[key]} came in {came_in[key]} times; of {noted[key]} notes {count} were unsent"
    yield from _noted_twice(entries)


def _noted_twice(entries: list[Entry]) -> Iterator[str]:
    """A call is noted once, and again as a repetition, or after its dial went back."""
    leases: dict[tuple[object, ...], str] = {}
    repeated = set()
    for entry in entries:
        if entry.kind not in ("note", "answer"):
            continue
        for row in entry.rows.iter_rows(named=True):
            call = tuple(row[name] for name in _CALL)
            if entry.kind == "note":
                if row["replays"]:
                    repeated.add(call)
                elif call in leases:
                    yield f"I1: {call[1]} was noted again although its dial never went back"
                leases[call] = row["lease_id"]
            elif _goes_back(entry, row) and call not in repeated and leases.get(call) == row["lease_id"]:
                del leases[call]


def _goes_back(entry: Entry, row: Mapping[str, object]) -> bool:
    return entry.kind == "answer" and row["state"] in GOES_BACK


def _untimely(shop, rings, posts, names, notes, within) -> Iterator[str]:
    """I5: every note lies in its slot's time, and every request comes after a note of it."""
    early = notes.filter(
        (pl.col("noted_at") < pl.col("scheduled_at")) | (pl.col("noted_at") >= pl.col("not_after"))
    )
    if early.height:
        yield f"I5: {early['contact_id'][0]} was noted outside its time"
    noted = defaultdict(list)
    closes = {}
    for row in notes.iter_rows(named=True):
        key = idempotency_key(*(row[name] for name in _CALL))
        noted[key].append(row["noted_at"])
        closes[key] = row["not_after"]
    for post in [*posts, *({"key": ring["key"], "at": ring["started_at"]} for ring in rings)]:
        at = datetime.fromtimestamp(post["at"], UTC) + shop.clock.shift
        before = [moment for moment in noted[post["key"]] if moment <= at]
        if not before:
            yield f"I5: {names.get(post['key'], post['key'])} was sent before it was noted"
        elif at >= closes[post["key"]]:
            yield f"I5: {names[post['key']]} was sent after its window had closed"
        elif within is not None and at > max(before) + within:
            yield f"I5: {names[post['key']]} was sent {at - max(before)} after its note"


def _lost(shop, calls, rings, names, all_ring) -> Iterator[str]:
    """I2: every contact is final, planned, or unknown with a deadline, and who rang was called."""
    with shop.ledger().session() as session:
        campaigns = session.read("list_campaigns")
        pending = session.read("list_pending", campaign_id=shop.campaign_id)
    row = campaigns.row(by_predicate=pl.col("campaign_id") == shop.campaign_id, named=True)
    if row["contact_count"] != shop.calls:
        yield f"I2: the campaign has {row['contact_count']} contacts instead of {shop.calls}"
    if calls.select("contact_id", "attempt").is_duplicated().any():
        yield "I2: the ledger has two calls of one attempt"
    called = {
        f"{contact}/{attempt}" for contact, attempt in calls.select("contact_id", "attempt").iter_rows()
    }
    for ring in rings:
        if names.get(ring["key"], "?") not in called:
            yield f"I2: {names.get(ring['key'])} rang, and the ledger has no call of it"
    counts = ("final_count", "in_flight_count", "retry_count", "waiting_count", "skipped_count")
    if any(row[name] < 0 for name in counts):  # those who wait are what the others leave of all
        yield f"I2: of somebody less than none are counted: {[row[name] for name in counts]}"
    doubted = calls.filter((pl.col("state") == "unknown") & pl.col("deadline_at").is_null())
    if doubted.height:
        yield f"I2: {doubted['contact_id'][0]} is unknown without a deadline"
    if all_ring:
        yield from _unfinished(shop, calls, rings, names, row, pending)


def _unfinished(shop, calls, rings, names, row, pending) -> Iterator[str]:
    left = [*given_up(shop), *waiting_for_word(shop)]
    open_calls = calls.filter(~pl.col("state").is_in(_OUTCOMES) & ~pl.col("contact_id").is_in(left))
    if open_calls.height:
        first = open_calls.row(0, named=True)
        which = f"{first['contact_id']} is {first['state']} ({first['reason']})"
        yield f"I2: {open_calls.height} calls not ended, {which}"
    waiting = {f"{contact}/1" for contact in left}
    all_first = {f"c{number}/1" for number in range(shop.calls)}
    silent = all_first - waiting - {names.get(ring["key"]) for ring in rings}
    if silent:
        yield f"I2: {len(silent)} were never rung, one is {min(silent)}; the campaign is {row['state']}"
    if row["state"] != "completed" and not left:
        yield f"I2: everybody was called and the campaign is {row['state']}, {pending.height} wait"


def given_up(shop: Shop) -> list[str]:
    """Return who waits as unknown because every dispatcher that dialled died over it, as its reason says."""
    return _unknown(shop, pl.col("dials") == MOST_DIALS)


def waiting_for_word(shop: Shop) -> list[str]:
    """Return who was dialled again in vain and waits some minutes for the next time, as its reason says."""
    return _unknown(shop, pl.col("dials").is_between(2, MOST_DIALS - 1))


def _unknown(shop: Shop, dialled: pl.Expr) -> list[str]:
    with shop.ledger().session() as session:
        calls = session.read("copy_call")
    waits = (pl.col("state") == "unknown") & pl.col("reason").is_not_null() & pl.col("finished_at").is_null()
    return calls.filter(waits & dialled)["contact_id"].to_list()


def _too_many(shop: Shop) -> Iterator[str]:
    """I3: claims less what ended or went back never exceed the limit, in order of their commits."""
    with shop.ledger().session() as session:
        limit = session.read("find_campaigns", named=shop.campaign_id)["max_concurrent_calls"].item()
        events = session._connection.execute(
            "select contact_id, attempt, from_state, to_state from event "
            "where campaign_id = ? and contact_id is not null order by rowid",
            [shop.campaign_id],
        ).fetchall()
    in_flight: set[tuple] = set()
    most = 0
    for contact, attempt, _, state in events:
        if state in ("claimed",):
            in_flight.add((contact, attempt))
        elif state in (*_OUTCOMES, "scheduled", "unknown (final)"):
            in_flight.discard((contact, attempt))
        most = max(most, len(in_flight))
    if most > limit:
        yield f"I3: {most} calls were in flight of {limit} allowed"


def answers_of(shop: Shop) -> pl.DataFrame:
    """Return every answer in the journal."""
    entries = Journal(shop.home.journal).entries_after(0)
    return pl.concat([ANSWERS.to_frame(), *(entry.rows for entry in entries if entry.kind == "answer")])
