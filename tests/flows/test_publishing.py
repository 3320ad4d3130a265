import hashlib
from datetime import UTC, datetime

import polars as pl
import pytest

from flows.campaigns import create_campaign, find_campaign
from flows.checking import CheckResult
from flows.contact_store import SourceFile, open_contacts
from flows.errors import InputError, WorkError
from flows.ledger import Ledger
from flows.publishing import refuse_broken
from flows.replaying import verify
from flows.scheduling import schedule
from tests.people import campaign, contacts
from transforms.schemas import REJECTS

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def ledger(home):
    with open_contacts(home) as store:
        source = SourceFile("people.csv", "0", "{}")
        store.add("people", source, contacts(30, ["Mars/Base", None]).collect(), REJECTS.to_frame(), NOW)
        store.publish_snapshot("people")
    return Ledger(home.ledger)


def _versions(ledger, campaign_id):
    with ledger.session() as session:
        return session.read("list_versions", campaign_id=campaign_id)


def test_a_published_plan_is_named_by_the_ledger_with_its_hash(home, ledger):
    campaign_id = create_campaign(ledger, campaign(contact_timezone="contact"), NOW)
    written = schedule(home, ledger, campaign_id, NOW)
    (version,) = _versions(ledger, campaign_id).to_dicts()
    file = home.plans / version["file"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == version["sha256"]
    assert (version["plan_version"], version["kind"], version["row_count"]) == (1, "replaces", 15)
    assert pl.read_parquet(file)["campaign_id"].unique().to_list() == [campaign_id]
    assert written.excluded.height == 15
    assert sorted(path.name for path in file.parent.iterdir()) == [
        ".publishing.lock",
        "000001.excluded.parquet",
        "000001.parquet",
    ]


def test_a_published_plan_is_replayed_from_the_store(home, ledger):
    campaign_id = create_campaign(ledger, campaign(), NOW)
    schedule(home, ledger, campaign_id, NOW)
    verdict = verify(home.plans / campaign_id / "000001.parquet", None, home)
    assert verdict.holds
    assert verdict.replayed is True


def test_a_file_that_no_commit_names_is_set_aside(home, ledger):
    campaign_id = create_campaign(ledger, campaign(), NOW)
    orphan = home.plans / campaign_id / "000001.parquet"
    orphan.parent.mkdir(parents=True)
    orphan.write_text("a plan whose commit never came")
    schedule(home, ledger, campaign_id, NOW)
    assert (orphan.parent / "orphans" / "000001.parquet").read_text() == "a plan whose commit never came"
    assert pl.read_parquet(orphan).height == 30


def test_a_skipped_contact_is_not_planned_and_the_plan_replays(home, ledger):
    campaign_id = create_campaign(ledger, campaign(), NOW)
    with ledger.session() as session:
        session.write(
            "add_skips",
            ("taken_out", pl.DataFrame({"contact_id": ["c3"], "is_planned": [False]})),
            campaign_id=campaign_id,
            reason="asked us to",
            now=NOW,
        )
    written = schedule(home, ledger, campaign_id, NOW)
    assert written.excluded.rows() == [("c3", 5, "skipped: asked us to")]
    assert verify(home.plans / campaign_id / "000001.parquet", None, home).replayed is True


def test_a_plan_that_does_not_fit_leaves_the_campaign_a_draft(home, ledger):
    campaign_id = create_campaign(ledger, campaign(max_calls_per_day=1, ends_at="2026-03-25T00:00"), NOW)
    with pytest.raises(WorkError, match="do not fit"):
        schedule(home, ledger, campaign_id, NOW)
    with ledger.session() as session:
        assert find_campaign(session, campaign_id).state == "draft"
    assert _versions(ledger, campaign_id).is_empty()
    assert [path.name for path in (home.plans / campaign_id).iterdir()] == [".publishing.lock"]


def test_nobody_to_call_is_a_failure_of_its_own(home, ledger):
    with open_contacts(home) as store:
        only = contacts(1, ["Mars/Base"]).collect()
        store.add("mars", SourceFile("mars.csv", "1", "{}"), only, REJECTS.to_frame(), NOW)
        store.publish_snapshot("mars")
    settings = campaign(contact_timezone="contact", contact_list="mars")
    with pytest.raises(WorkError, match="nobody can be called: all 1 contacts are excluded"):
        schedule(home, ledger, create_campaign(ledger, settings, NOW), NOW)


def test_a_dialer_that_is_not_there_is_refused(home, ledger, monkeypatch):
    unnamed = create_campaign(ledger, campaign(dialer=None), NOW)
    with pytest.raises(InputError, match="dialer: is required"):
        schedule(home, ledger, unnamed, NOW)
    monkeypatch.setenv("CALLPLAN_DIALER", "pigeon")
    with pytest.raises(InputError, match="CALLPLAN_DIALER: 'pigeon' is no dialer"):
        schedule(home, ledger, unnamed, NOW)
    monkeypatch.setenv("CALLPLAN_DIALER", "truedy")
    with pytest.raises(InputError, match="truedy needs TRUEDY_BASE_URL and TRUEDY_API_KEY"):
        schedule(home, ledger, unnamed, NOW)
    monkeypatch.setenv("CALLPLAN_DIALER", "simulated")
    assert schedule(home, ledger, unnamed, NOW).rows == 30


def test_a_broken_rule_keeps_a_plan_from_being_published():
    example = {"contact_id": "c1", "attempt": 1, "problem": "starts outside the windows"}
    good, bad = CheckResult("caps", 0, []), CheckResult("when calls start", 2, [example])
    refuse_broken([good])
    with pytest.raises(WorkError) as caught:
        refuse_broken([good, bad])
    assert caught.value.problems == [
        "when calls start: 2 rows break this rule, first c1: starts outside the windows"
    ]
