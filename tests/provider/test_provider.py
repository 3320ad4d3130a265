import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tests.provider.asking import BODY, CALLS, ask, look_up, post, requests_of, rings_of, send_head, wait_for
from tests.provider.settings import Settings


def test_a_call_rings_once_and_is_recorded_as_it_was_asked_for(provider):
    before = time.time()
    reply = post(provider, "plain")
    assert (reply.status, reply.data["status"]) == (201, "queued")
    assert reply.data["phone_number"] == "+12125550101"
    assert reply.body["meta"].keys() == {"request_id", "ts"}
    [ring] = rings_of(provider, "plain")
    assert before <= ring.pop("started_at") <= ring.pop("at") <= time.time()
    assert ring == {
        "ring": reply.data["id"],
        "key": "plain",
        "phone_number": "+12125550101",
        "from_number": "+12125550190",
        "agent_id": "agent-1",
    }
    assert requests_of(provider, "plain") == [(201, None)]


def test_a_repeated_key_finds_its_call_and_does_not_ring(provider):
    first, second = post(provider, "twice"), post(provider, "twice", phone_number="+12125550102")
    assert (second.status, second.data) == (200, first.data)
    assert len(rings_of(provider, "twice")) == 1


def test_one_key_sent_many_times_at_once_rings_once(provider):
    with ThreadPoolExecutor(10) as threads:
        replies = list(threads.map(lambda _: post(provider, "crowd"), range(40)))
    assert sorted(reply.status for reply in replies) == [200] * 39 + [201]
    assert len(rings_of(provider, "crowd")) == 1


def test_a_key_that_is_no_longer_kept_rings_again(provider):
    provider.set(keys_for_seconds=0)
    first, second = post(provider, "forgotten"), post(provider, "forgotten")
    assert (first.status, second.status) == (201, 201)
    assert [ring["ring"] for ring in rings_of(provider, "forgotten")] == [first.data["id"], second.data["id"]]
    assert first.data["id"] != second.data["id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"phone_number": "2125550101"},
        {"phone_number": "+1 212 555 0101"},
        {"from_number": None},
        {"agent_id": ""},
        {"variables": []},
    ],
    ids=str,
)
def test_a_wrong_field_is_refused_by_name(provider, changes):
    reply = post(provider, f"wrong {changes}", **changes)
    assert (reply.status, reply.error["details"].keys()) == (422, changes.keys())
    assert not rings_of(provider, f"wrong {changes}")


def test_a_body_that_is_no_json_is_refused(provider):
    assert ask(provider, "POST", CALLS, b"{").status == 422


def test_a_wrong_key_is_refused(provider):
    assert ask(provider, "POST", CALLS, json.dumps(BODY), Authorization="Bearer bad").status == 401
    assert ask(provider, "GET", CALLS + "/any", Authorization="").status == 401


def test_a_request_that_breaks_off_in_its_body_does_not_ring(provider):
    send_head(provider, "half", json.dumps(BODY)[:40], length=len(json.dumps(BODY))).close()
    assert wait_for(lambda: requests_of(provider, "half")) == [(None, None)]
    assert not rings_of(provider, "half")


def test_a_call_lives_as_the_settings_say(provider):
    provider.set(life=[[0, "ringing"], [0.2, "in-progress"], [0.4, "ended"]])
    call_id = post(provider, "alive").data["id"]
    seen = []

    def has_ended():
        data = look_up(provider, call_id).data
        seen.append((data["status"], data["outcome"]))
        return data["status"] == "ended"

    wait_for(has_ended)
    assert list(dict.fromkeys(seen)) == [("ringing", None), ("in-progress", None), ("ended", "completed")]


def test_a_call_without_a_life_stays_queued(provider):
    provider.set(life=[])
    assert look_up(provider, post(provider, "endless").data["id"]).data["status"] == "queued"


def test_outcomes_are_drawn_by_their_weights_and_stay(provider):
    provider.set(weights={"busy": 1, "voicemail": 3})
    ids = [post(provider, f"outcome {number}").data["id"] for number in range(60)]
    first, second = ([look_up(provider, call_id).data["outcome"] for call_id in ids] for _ in range(2))
    assert first == second
    assert set(first) == {"busy", "voicemail"}
    assert first.count("voicemail") > first.count("busy")


def test_an_answer_can_be_final_at_once(provider):
    provider.set(answer_final=True, weights={"no_answer": 1})
    data = post(provider, "final").data
    assert (data["status"], data["outcome"], data["ended_reason"]) == ("completed", "no_answer", "no-answer")


def test_a_call_nobody_made_is_not_found(provider):
    assert look_up(provider, "call-none").status == 404


def test_requests_beyond_the_limit_wait_for_the_next_minute(provider):
    provider.set(requests_per_minute=2, minute_seconds=0.5)
    call_id = post(provider, "within").data["id"]
    assert look_up(provider, call_id).status == 200
    refused = post(provider, "beyond")
    assert (refused.status, refused.error["code"], refused.headers["Retry-After"]) == (
        429,
        "rate_limited",
        None,
    )
    assert refused.error["details"]["limit"] == 2
    reset_at = datetime.fromisoformat(refused.error["details"]["reset_at"])
    assert not rings_of(provider, "beyond")
    time.sleep(max((reset_at - datetime.now(UTC)).total_seconds(), 0))
    assert post(provider, "beyond").status == 201


def test_an_answer_can_be_late(provider):
    provider.set(delay_seconds=0.2)
    before = time.monotonic()
    post(provider, "slow")
    assert time.monotonic() - before >= 0.2


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"lives": []}, "unknown settings: lives"),
        ({"life": [[0, "asleep"]]}, "unknown status in life: asleep"),
        ({"weights": {"lost": 1}}, "unknown outcome in weights: lost"),
        ({"faults": [{"kind": "flood"}]}, "unknown kind of fault 'flood'"),
        ({"faults": [{"kind": "no_id", "seconds": 1}]}, "no_id has no field seconds"),
        ({"faults": [{"kind": "no_id", "on": "control"}]}, "no_id is not for 'control'"),
        ({"faults": [{"kind": "failed_body", "on": "both"}]}, "failed_body is not for 'both'"),
        ({"faults": [{"kind": "huge", "bytes": "many"}]}, "bytes is 'many', not a number"),
        ({"faults": ["error"]}, "no attribute"),
        ({"faults": [{"kind": "error", "share": 2}]}, "share is 2, not between 0 and 1"),
        ({"faults": [{"kind": "limited", "how": "softly"}]}, "unknown how 'softly'"),
        ({"faults": [{"kind": "refused", "status": 404}]}, "refused has the status 404"),
    ],
    ids=str,
)
def test_what_cannot_be_set_is_refused_and_changes_nothing(provider, given, reason):
    with pytest.raises(ValueError, match=reason):
        provider.set(delay_seconds=9, **given)
    assert provider.settings() == Settings().as_given() | {"life": [[0, "completed"]], "faults": []}


def test_requests_rings_and_look_ups_are_counted(provider):
    before = provider.counts()
    post(provider, "counted")
    look_up(provider, post(provider, "counted").data["id"])
    after = provider.counts()
    assert {name: after[name] - before[name] for name in after} == {"requests": 2, "rings": 1, "look_ups": 1}


def test_many_callers_at_once_ring_once_each(provider):
    keys = [f"many {number}" for number in range(600)]
    with ThreadPoolExecutor(20) as threads:
        assert {reply.status for reply in threads.map(lambda key: post(provider, key), keys)} == {201}
    rung = [ring["key"] for ring in provider.rings() if ring["key"].startswith("many")]
    assert sorted(rung) == sorted(keys)
