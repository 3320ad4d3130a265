"""What is said of a ledger that is built anew."""

from pathlib import Path

from tests.flows.cli.callplan import SETTINGS


def test_a_recovery_says_where_the_old_ledger_is_and_that_drafts_are_lost(scheduled):
    scheduled.ok("create", scheduled.write("draft.yaml", SETTINGS.replace("Renewals", "Draft")))
    found = scheduled.json("recover")
    assert (found["campaigns"], found["lost"]) == (1, [])
    assert Path(found["set_aside"]).is_file()
    assert "drafts not at all; the old ledger is" in scheduled.ok("recover")
