"""The life of a campaign: create, schedule, update, pause, resume, cancel, skip."""

import pytest

from tests.flows.cli.callplan import SETTINGS


def test_scheduling_without_numbers_list_and_dialer_says_all_that_is_missing(callplan):
    callplan.ok("create", callplan.write("campaign.yaml", "name: Bare\nagent_id: agent\n"))
    done = callplan("schedule", "Bare")
    assert done.returncode == 2
    assert [line.split(": ")[2] for line in done.stderr.splitlines()] == [
        "phone_numbers",
        "contact_list",
        "dialer",
    ]
    assert callplan.json("status")["campaigns"][0]["state"] == "draft"


def test_a_campaign_on_a_list_that_is_not_loaded_is_refused(callplan):
    callplan.ok("create", callplan.write("campaign.yaml", SETTINGS))
    done = callplan("schedule", "Renewals")
    assert done.returncode == 2
    assert "contact_list: there is no list 'people'; loaded are: none" in done.stderr


def test_the_life_of_a_campaign_on_the_command_line(scheduled):
    (row,) = scheduled.json("status")["campaigns"]
    assert (row["state"], row["waiting_count"]) == ("scheduled", 20)
    assert "no dispatcher is running: callplan dispatch places what is due" in row["why"]
    assert scheduled.json("pause", "Renewals") == {
        "campaign_id": row["campaign_id"],
        "state": "paused",
        "in_flight": 0,
    }
    assert scheduled.json("status", "Renewals")["campaigns"][0]["why"] == [
        "it is paused: callplan resume lets it go on"
    ]
    assert scheduled.json("pause", "Renewals")["state"] == "paused"  # once more
    resumed = scheduled.json("resume", "Renewals")
    assert resumed["campaign_id"] == row["campaign_id"]
    assert resumed["state"] in ("scheduled", "active")
    assert scheduled.json("pause", "--all") == {"paused": 1, "in_flight": 0}
    assert scheduled.json("skip", "Renewals", "c1", "c2", "--reason", "asked us to")["skipped"] == 2
    nameless = scheduled("skip", "Renewals", "c3", "--reason", " ")
    assert (nameless.returncode, "--reason: is empty" in nameless.stderr) == (2, True)
    nobody = scheduled("skip", "Renewals", "c3", "nobody", "--reason", "x")
    assert (nobody.returncode, "no contact nobody" in nobody.stderr) == (2, True)
    assert scheduled.json("calls", "Renewals", "--contact", "c1")[0]["state"] == "skipped"
    assert len(scheduled.json("calls", "Renewals", "--status", "scheduled")) == 18
    page = scheduled.json("calls", "Renewals", "--limit", "5", "--offset", "18")
    assert [row["contact_id"] for row in page] == ["c18", "c19"]
    assert "the hours of America/New_York count" in scheduled.ok("calls", "Renewals", "--contact", "c5")
    unknown = scheduled("calls", "Renewals", "--contact", "zz")
    assert (unknown.returncode, "no contact of the list" in unknown.stderr) == (2, True)
    assert scheduled.json("cancel", "Renewals")["state"] == "cancelled"
    over = scheduled("pause", "Renewals")
    assert (over.returncode, "is cancelled; only a campaign that is under way" in over.stderr) == (2, True)
    assert scheduled.json("pause", "--all") == {"paused": 0, "in_flight": 0}
    assert scheduled("resume", "Renewals").returncode == 2


@pytest.mark.parametrize(
    "stop", [["pause", "Renewals"], ["skip", "Renewals", "c1", "--reason", "asked us to"]]
)
def test_a_stop_that_cannot_be_stored_is_told_in_a_sentence(scheduled, stop):
    (scheduled.home / "changes.part").mkdir()  # the first file that a full disk would refuse
    done = scheduled(*stop)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the change could not be stored: ")
    assert "Traceback" not in done.stderr
    (row,) = scheduled.json("status")["campaigns"]
    assert (row["state"], row["skipped_count"]) == ("scheduled", 0)


def test_where_a_plan_is_lost_contacts_are_skipped_and_the_rest_is_refused_in_a_sentence(scheduled):
    (plan,) = (scheduled.home / "plans").glob("*/000001.parquet")
    plan.unlink()
    for command in (["calls", "Renewals"], ["update", "Renewals", "end_time=15:00"]):
        done = scheduled(*command)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"error: {plan}: the plan is gone")
    for skipped in (1, 0):
        assert scheduled.json("skip", "Renewals", "c1", "--reason", "asked us to")["skipped"] == skipped
    (row,) = scheduled.json("status")["campaigns"]
    assert (row["plan_version"], row["state"]) == (1, "scheduled"), "nobody knows whether that was everyone"


def test_a_draft_is_scheduled_once(scheduled):
    again = scheduled("schedule", "Renewals")
    assert again.returncode == 2
    assert "no contact has come to its list since" in again.stderr


def test_a_campaign_is_found_by_its_id_though_another_is_named_so(scheduled):
    (row,) = scheduled.json("status")["campaigns"]
    other = scheduled.ok("create", scheduled.write("again.yaml", SETTINGS)).strip()
    scheduled.ok("update", other, f"name={row['campaign_id']}")
    assert "Renewals is paused" in scheduled.ok("pause", row["campaign_id"])
