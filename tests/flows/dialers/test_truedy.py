"""Truedy's dialer against a provider in another process: one POST per attempt, whatever comes back."""

import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from pydantic import ValidationError

from flows.clock import SystemClock
from flows.dialers import truedy
from flows.dialers.dialer import CALLS, REQUESTS
from flows.dialers.truedy import TruedyDialer, idempotency_key
from flows.dialers.truedy_access import TruedyAccess
from flows.dialers.truedy_block import TruedyCredentials
from flows.errors import InputError
from tests.provider.running import running_provider
from tests.provider.settings import Settings

CAMPAIGN = "0f5f7c0a-6f2c-4a59-9b6e-9d8f43a1c001"


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    with running_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def dialer(provider, tmp_path, monkeypatch):
    monkeypatch.setattr(truedy, "LEAVES_WITHIN_SECONDS", 10)  # a machine that is busy is no fault
    provider.set(**Settings().as_given())
    access = TruedyAccess(f"{provider.address}/api/public/v1", "good", 100_000)
    with TruedyDialer(access, tmp_path, SystemClock()) as opened:
        yield opened


def _requests(*contacts, variables='{"first_name": "Ada"}'):
    now = datetime.now(UTC)
    values = {
        "campaign_id": CAMPAIGN,
        "attempt": 1,
        "plan_version": 1,
        "phone": "+12125550101",
        "from_number": "+12125550190",
        "timezone": "UTC",
        "variables": variables,
        "agent_id": "agent",
        "scheduled_at": now,
        "not_after": now + timedelta(hours=1),
        "call_date": now.date(),
        "slot_index": 0,
        "owner_id": "owner",
        "lease_id": "lease",
        "claimed_at": now,
        "max_call_minutes": 60,
        "calls_per_second": None,
        "replays": False,
    }
    return pl.DataFrame([values | {"contact_id": contact} for contact in contacts], schema=REQUESTS)


def _calls(answers):
    now = datetime.now(UTC)
    return answers.with_columns(scheduled_at=pl.lit(now), noted_at=pl.lit(now)).select(CALLS.names())


def _replies(exchange, seconds=10):
    """Gather the replies of an exchange as they come in."""
    found, gives_up = [], time.monotonic() + seconds
    while exchange.is_open and time.monotonic() < gives_up:
        found.append(exchange.replies(datetime.now(UTC)))
        time.sleep(0.01)  # the provider answers in its own time
    return pl.concat(found)


def _answers(dialer, *contacts, **more):
    return _replies(dialer.send(_requests(*contacts, **more), datetime.now(UTC))).sort("contact_id")


def _posts(provider, contact):
    key = idempotency_key(CAMPAIGN, contact, 1)
    return [request for request in provider.requests() if request["key"] == key]


def _rings(provider, contact):
    key = idempotency_key(CAMPAIGN, contact, 1)
    return [ring for ring in provider.rings() if ring["key"] == key]


def test_a_request_carries_the_key_and_rings_once(provider, dialer):
    answers = _answers(dialer, "a1", "a2")
    assert answers["state"].to_list() == ["in_progress"] * 2
    assert answers["provider_call_id"].null_count() == 0
    (ring,) = _rings(provider, "a1")
    assert (ring["phone_number"], ring["from_number"], ring["agent_id"]) == (
        "+12125550101",
        "+12125550190",
        "agent",
    )


def test_the_same_attempt_again_is_the_same_call(provider, dialer):
    first, again = _answers(dialer, "b1"), _answers(dialer, "b1")
    assert first["provider_call_id"].to_list() == again["provider_call_id"].to_list()
    assert len(_rings(provider, "b1")) == 1


@pytest.mark.parametrize(
    ("fault", "state", "rings"),
    [
        ({"kind": "error", "status": 500, "placed": 1}, "unknown", 1),
        ({"kind": "error", "status": 503, "placed": 0}, "unknown", 0),
        ({"kind": "reset_after"}, "unknown", 1),
        ({"kind": "reset_before"}, "unknown", 0),
        ({"kind": "garbage"}, "unknown", 1),
        ({"kind": "no_id"}, "unknown", 1),
        ({"kind": "compressed"}, "in_progress", 1),
        ({"kind": "failed_body"}, "failed", 0),
        ({"kind": "bad_field"}, "failed", 0),
        ({"kind": "limited", "how": "reset_at"}, "limited", 0),
        ({"kind": "limited", "how": "absurd"}, "limited", 0),
        ({"kind": "refused", "status": 402}, "refused", 0),
        ({"kind": "refused", "status": 401}, "refused", 0),
        ({"kind": "refused", "status": 403}, "refused", 0),
        ({"kind": "huge", "bytes": 3_000_000}, "in_progress", 1),
    ],
)
def test_whatever_goes_wrong_there_is_one_post_and_no_guess(provider, dialer, fault, state, rings):
    contact = "-".join(str(value) for value in fault.values())
    provider.set(faults=[fault])
    answers = _answers(dialer, contact)
    assert answers["state"].to_list() == [state]
    assert len(_posts(provider, contact)) == 1
    assert len(_rings(provider, contact)) == rings


def test_a_request_that_nobody_answers_is_unknown(provider, dialer, monkeypatch):
    monkeypatch.setattr(truedy, "ANSWER_SECONDS", 0.5)  # a limit, made small
    with TruedyDialer(dialer._access, dialer.budget._file.parent, SystemClock()) as impatient:
        provider.set(faults=[{"kind": "timeout_placed", "seconds": 5}])
        answers = _answers(impatient, "t1")
    assert answers["state"].to_list() == ["unknown"]
    assert len(_posts(provider, "t1")) == 1


def test_a_request_that_never_left_certainly_rang_nobody(tmp_path):
    access = TruedyAccess("http://127.0.0.1:9/api/public/v1", "good", 100)  # nobody listens there
    with TruedyDialer(access, tmp_path, SystemClock()) as dialer:
        answers = _answers(dialer, "u1", "u2")
    assert answers["state"].to_list() == ["unsent", "unsent"]


def test_what_is_no_fault_of_the_contacts_fails_none_of_them(tmp_path):
    access = TruedyAccess(
        "http://me:pass@127.0.0.1:9/api", "good", 100
    )  # aiohttp refuses it before it leaves
    with TruedyDialer(access, tmp_path, SystemClock()) as dialer:
        answers = _answers(dialer, "v1")
    assert answers.select("state", "reason").row(0) == (
        "unsent",
        "ValueError before the request could leave",
    )


def test_a_limit_holds_all_that_use_the_key(provider, dialer, tmp_path):
    provider.set(faults=[{"kind": "limited", "how": "reset_at", "seconds": 5}])
    _answers(dialer, "l1")
    now = datetime.now(UTC)
    with TruedyDialer(dialer._access, tmp_path, SystemClock()) as other:
        assert other.budget.take_to_place(1, now) == 0
        assert timedelta(seconds=3) < other.budget.free_at(now) - now < timedelta(seconds=7)


def test_a_request_whose_time_is_past_does_not_leave(provider, dialer):
    now = datetime.now(UTC)
    requests = pl.concat([_requests("e1").with_columns(not_after=pl.lit(now)), _requests("e2")])
    answers = _replies(dialer.send(requests, now - timedelta(minutes=1))).sort("contact_id")
    assert answers["state"].to_list() == ["unsent", "in_progress"]
    assert not _posts(provider, "e1")


def test_every_reply_comes_in_though_a_limit_cannot_be_written_down(provider, dialer):
    provider.set(faults=[{"kind": "limited", "on": on} for on in ("call", "look_up")])
    dialer.budget._file.with_suffix(".part").mkdir()  # where the budget is written
    answers = _answers(dialer, "f1")
    assert answers["state"].to_list() == ["limited"]
    known = _calls(answers).with_columns(provider_call_id=pl.lit("call"))
    exchange = dialer.look_up(known, datetime.now(UTC))
    assert _replies(exchange).is_empty()
    assert not exchange.is_open


@pytest.mark.parametrize("variables", ['{"half": ', "[" * 100_000, '{"a": ' * 100_000, "no JSON"])
def test_data_that_cannot_be_sent_fails_its_own_contact_only(provider, dialer, variables):
    requests = pl.concat([_requests("d0"), _requests("d1", variables=variables), _requests("d2")])
    answers = _replies(dialer.send(requests, datetime.now(UTC))).sort("contact_id")
    assert answers["state"].to_list() == ["in_progress", "failed", "in_progress"]
    assert answers["reason"][1].startswith("its data cannot be sent: ")
    assert not _posts(provider, "d1")


def test_outcomes_are_learnt_by_looking_up(provider, dialer):
    provider.set(life=[[0, "ended"]], weights={"voicemail": 1})
    answers = _answers(dialer, "o1")
    reports = _replies(dialer.look_up(_calls(answers), datetime.now(UTC)))
    assert reports["state"].to_list() == ["voicemail"]


def test_outcomes_are_learnt_though_they_come_compressed(provider, dialer):
    provider.set(life=[[0, "ended"]], faults=[{"kind": "compressed", "on": "look_up"}])
    reports = _replies(dialer.look_up(_calls(_answers(dialer, "z1")), datetime.now(UTC)))
    assert reports["state"].to_list() == ["completed"]


def test_a_call_under_way_is_no_news_and_an_unknown_word_is_no_outcome(provider, dialer):
    provider.set(life=[[0, "ringing"]])
    answers = _answers(dialer, "w1")
    assert _replies(dialer.look_up(_calls(answers), datetime.now(UTC))).is_empty()
    provider.set(faults=[{"kind": "unknown_status"}])
    reports = _replies(dialer.look_up(_calls(answers), datetime.now(UTC)))
    assert reports["state"].to_list() == [None]
    assert reports["provider_status"].null_count() == 0


def test_the_key_is_shown_nowhere():
    assert "secret" not in repr(TruedyAccess("https://example.org", "secret"))


def test_half_of_the_access_is_refused_by_name(monkeypatch):
    assert TruedyAccess.from_environment() is None
    monkeypatch.setenv("TRUEDY_BASE_URL", "ftp://example.org")
    monkeypatch.setenv("TRUEDY_REQUESTS_PER_MINUTE", "many")
    with pytest.raises(InputError) as refusal:
        TruedyAccess.from_environment()
    assert [problem.partition(":")[0] for problem in refusal.value.problems] == [
        "TRUEDY_API_KEY",
        "TRUEDY_BASE_URL",
        "TRUEDY_REQUESTS_PER_MINUTE",
    ]


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("https://me:topsecret@example.org/v1", "no user and password"),
        ("https://example..org/v1", "1 to 63 letters"),
        (f"https://{'a' * 64}.org/v1", "1 to 63 letters"),
        ("https://example.org/v1?to=all", "nothing after the path"),
        ("https://example.org/v1?", "nothing after the path"),
        ("https://example.org/v1#", "nothing after the path"),
        ("https://example.org:99999/v1", "port"),
        ("https://example.org:0/v1", "port"),
        (f"https://{'.'.join(['a' * 60] * 5)}/v1", "253 together"),
    ],
)
def test_an_address_that_no_request_can_be_sent_to_is_refused(monkeypatch, address, wrong):
    monkeypatch.setenv("TRUEDY_BASE_URL", address)
    monkeypatch.setenv("TRUEDY_API_KEY", "good")
    with pytest.raises(InputError, match=wrong) as refusal:
        TruedyAccess.from_environment()
    assert "topsecret" not in str(refusal.value.problems)
    with pytest.raises(ValidationError, match=wrong) as refused:
        TruedyCredentials(base_url=address, api_key="good")
    assert "topsecret" not in str(refused.value)


def test_the_end_of_the_line_that_a_key_was_read_from_is_no_part_of_it(monkeypatch):
    monkeypatch.setenv("TRUEDY_BASE_URL", "https://example.org\n")
    monkeypatch.setenv("TRUEDY_API_KEY", "good\n")
    assert TruedyAccess.from_environment() == TruedyAccess("https://example.org", "good")


@pytest.mark.parametrize("key", ["two\nlines", "gut\u00e9", "\x7f"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(monkeypatch, key):
    monkeypatch.setenv("TRUEDY_BASE_URL", "https://example.org")
    monkeypatch.setenv("TRUEDY_API_KEY", key)
    with pytest.raises(InputError, match="TRUEDY_API_KEY") as refusal:
        TruedyAccess.from_environment()
    assert key not in str(refusal.value.problems)
