import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.provider.asking import BODY, CALLS, ask, look_up, post, requests_of, rings_of, send_head, wait_for
from tests.provider.running import running_provider


@pytest.mark.parametrize(("kind", "number_of_rings"), [("timeout_placed", 1), ("timeout_not_placed", 0)])
def test_a_timeout_answers_nothing_and_rings_if_placed(provider, kind, number_of_rings):
    provider.set(faults=[{"kind": kind, "seconds": 30, "first": 1}])
    with pytest.raises(TimeoutError):
        post(provider, kind, timeout=0.3)
    assert len(rings_of(provider, kind)) == number_of_rings
    assert post(provider, kind).status == 201 - number_of_rings
    assert requests_of(provider, kind) == [(None, kind), (201 - number_of_rings, None)]


def test_a_timeout_ends_without_an_answer(provider):
    provider.set(faults=[{"kind": "timeout_placed", "seconds": 0.1}])
    with pytest.raises(ConnectionError):
        post(provider, "short timeout")


def test_a_call_placed_late_rings_later_and_its_key_is_known_before(provider):
    provider.set(faults=[{"kind": "placed_late", "seconds": 0.6, "first": 1}])
    with pytest.raises(TimeoutError):
        post(provider, "late", timeout=0.2)
    repeated = post(provider, "late")
    assert repeated.status == 200
    assert look_up(provider, repeated.data["id"]).data["status"] == "queued"
    assert not rings_of(provider, "late")
    [ring] = wait_for(lambda: rings_of(provider, "late"))
    assert ring["at"] - ring["started_at"] >= 0.6


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("placed", [0, 1])
def test_an_error_rings_if_placed(provider, status, placed):
    provider.set(faults=[{"kind": "error", "status": status, "placed": placed}])
    key = f"error {status} {placed}"
    assert post(provider, key).status == status
    assert len(rings_of(provider, key)) == placed
    assert requests_of(provider, key) == [(status, "error")]


def test_about_half_of_the_errors_ring_when_half_are_placed(provider):
    provider.set(faults=[{"kind": "error", "placed": 0.5}])
    for number in range(60):
        post(provider, f"half placed {number}")
    assert 15 < sum(ring["key"].startswith("half placed") for ring in provider.rings()) < 45


def waits_by(how):
    """Return the two places where a 429 that says ``how`` in 40 seconds may say it."""
    return {"kind": "limited", "how": how, "seconds": 40}


def test_a_429_says_when_to_come_back_in_every_way(provider):
    soon, replies = timedelta(seconds=40), {}
    for how in ("reset_at", "seconds", "date", "absent", "negative", "absurd"):
        provider.set(faults=[waits_by(how)])
        reply = replies[how] = post(provider, f"limited {how}")
        assert reply.status == 429
    now, said = datetime.now(UTC), {}
    for how, reply in replies.items():
        said[how] = (reply.error["details"].get("reset_at"), reply.headers["Retry-After"])
    assert said["reset_at"][1] is None
    assert abs(datetime.fromisoformat(said["reset_at"][0]) - now - soon) < timedelta(seconds=5)
    assert said["seconds"] == (None, "40")
    assert said["date"][0] is None
    assert abs(parsedate_to_datetime(said["date"][1]) - now - soon) < timedelta(seconds=5)
    assert said["absent"] == (None, None)
    assert datetime.fromisoformat(said["negative"][0]) < now
    assert said["negative"][1] == "-40"
    assert said["absurd"] == ("9999-12-31T23:59:59Z", "99999999999999999999")
    assert not [ring for ring in provider.rings() if ring["key"].startswith("limited")]


@pytest.mark.parametrize("status", [401, 402, 403])
def test_an_account_can_be_refused(provider, status):
    provider.set(faults=[{"kind": "refused", "status": status}])
    assert post(provider, f"refused {status}").status == status
    assert not rings_of(provider, f"refused {status}")


def test_a_reset_before_the_body_is_read_does_not_ring(provider):
    provider.set(faults=[{"kind": "reset_before"}])
    connection = send_head(provider, "reset before", "", length=100)
    with connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert not rings_of(provider, "reset before")
    assert requests_of(provider, "reset before") == [(None, "reset_before")]


def test_a_reset_after_the_body_rings(provider):
    provider.set(faults=[{"kind": "reset_after"}])
    body = json.dumps(BODY)
    connection = send_head(provider, "reset after", body, length=len(body))
    with connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert len(rings_of(provider, "reset after")) == 1


def test_garbage_is_no_json_and_rings(provider):
    provider.set(faults=[{"kind": "garbage"}])
    reply = post(provider, "garbage")
    assert (reply.status, reply.headers.get_content_type()) == (201, "text/html")
    assert len(rings_of(provider, "garbage")) == 1


def test_a_compressed_answer_rings(provider):
    provider.set(faults=[{"kind": "compressed"}])
    headers = {"X-Idempotency-Key": "compressed", "Accept-Encoding": "gzip"}
    reply = ask(provider, "POST", CALLS, json.dumps(BODY), **headers)
    assert (reply.status, reply.headers["Content-Encoding"]) == (201, "gzip")
    assert len(rings_of(provider, "compressed")) == 1


def test_an_answer_without_an_id_rings(provider):
    provider.set(faults=[{"kind": "no_id"}])
    reply = post(provider, "no id")
    assert (reply.status, reply.data["status"], "id" in reply.data) == (201, "queued", False)
    assert len(rings_of(provider, "no id")) == 1


def test_a_failed_body_does_not_ring_and_stays_failed(provider):
    provider.set(faults=[{"kind": "failed_body", "first": 1}])
    reply = post(provider, "failed")
    assert (reply.status, reply.data["status"]) == (201, "failed")
    assert look_up(provider, reply.data["id"]).data["status"] == "failed"
    assert post(provider, "failed").data == reply.data
    assert not rings_of(provider, "failed")


def test_an_unknown_status_is_told_by_look_ups_only(provider):
    provider.set(faults=[{"kind": "unknown_status"}])
    reply = post(provider, "unknown status")
    assert reply.data["status"] == "queued"
    assert look_up(provider, reply.data["id"]).data["status"] == "rerouted"


def test_a_good_field_can_be_called_bad(provider):
    provider.set(faults=[{"kind": "bad_field"}])
    assert post(provider, "bad field").status == 422
    assert not rings_of(provider, "bad field")


def test_a_huge_answer_has_the_size_that_was_set(provider):
    provider.set(faults=[{"kind": "huge", "bytes": 3_000_000, "on": "both"}])
    reply = post(provider, "huge")
    assert (reply.status, reply.size) == (201, 3_000_000)
    assert look_up(provider, reply.data["id"]).size == 3_000_000
    assert len(rings_of(provider, "huge")) == 1


def test_a_slow_body_comes_in_drops_while_no_single_wait_is_long(provider):
    provider.set(faults=[{"kind": "slow_body", "seconds": 0.8}])
    before = time.monotonic()
    assert post(provider, "dripping", timeout=0.5).data["status"] == "queued"
    assert time.monotonic() - before >= 0.8
    assert len(rings_of(provider, "dripping")) == 1


@pytest.mark.parametrize("kind", ["timeout_placed", "reset_before", "error", "limited", "refused", "garbage"])
def test_a_look_up_can_meet_the_faults_of_a_call(provider, kind):
    provider.set(faults=[{"kind": kind, "on": "look_up", "first": 1}])
    call_id = post(provider, f"looked up {kind}").data["id"]
    with suppress(TimeoutError, ConnectionError):
        assert (reply := look_up(provider, call_id, timeout=0.2)).status != 200 or isinstance(reply.body, str)
    assert look_up(provider, call_id).data["status"] == "completed"


def test_a_fault_can_befall_the_first_request_of_each_key_only(provider):
    provider.set(faults=[{"kind": "error", "first_of_key": 1}])
    statuses = [post(provider, key).status for key in ("each 1", "each 2", "each 1", "each 2")]
    assert statuses == [500, 500, 201, 201]


def test_the_same_seed_gives_the_same_faults(provider, tmp_path):
    faults = [{"kind": "error", "share": 0.3}, {"kind": "bad_field", "share": 0.5}]
    met = {}
    for seed in (7, 8):
        with running_provider(tmp_path / str(seed), seed=seed, faults=faults) as other:
            met[seed] = [post(other, f"drawn {number}").status for number in range(40)]
    provider.set(faults=faults)
    again = [post(provider, f"drawn {number}").status for number in range(40)]
    assert met[7] == again
    assert met[8] != again
    assert set(again) == {201, 422, 500}
