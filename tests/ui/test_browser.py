"""A person's way through the Prefect UI: a campaign scheduled from the form, dispatched, and paused."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from flows.campaigns import stored_campaign  # noqa: E402 - after what may skip this file
from flows.home import Home  # noqa: E402
from flows.ledger import Ledger  # noqa: E402
from tests.ui.browser import Form, chromium, opened_page  # noqa: E402
from tests.ui.running import CALLPLAN, Running, environment, running_up, wait_for  # noqa: E402

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not on this machine")

SAMPLE = Path(__file__).parents[2] / "data" / "sample_contacts.csv"
NAME = "Spring renewals"
STILL_SECONDS = 10
"""How long nothing may be dialled after the pause for it to count."""


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("ui") / "store")
    load = [CALLPLAN, "load", str(SAMPLE), "--list", "sample", "--region", "US"]
    subprocess.run(load, env=environment(home), check=True, capture_output=True)
    with running_up(home) as running:
        yield running


def _keep(page, name: str) -> None:
    """Take a picture where pictures are wanted."""
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def _midday_zone(now: datetime) -> str:
    """Return a zone in which the day is far from its ends."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


def _completed(up: Running, flow_run_name: str) -> bool:
    found = [run for run in up.runs() if run["name"] == flow_run_name]
    assert all(run["state_type"] not in ("FAILED", "CRASHED") for run in found), found
    return bool(found) and found[0]["state_type"] == "COMPLETED"


def test_a_person_schedules_a_campaign_sees_it_dispatched_and_pauses_it(up):
    now = datetime.now(UTC)
    ids = up.deployments()
    local = now + timedelta(hours=12 - now.hour)
    with opened_page() as page:
        form = Form(page, up.address, ids["schedule"])
        form.fill("Name", NAME)
        form.fill("Agent Id", "agent-7")
        form.fill("Contact List", "sample")
        form.add("Phone Numbers", "+12125550190")
        form.choose("Dialer", "simulated")
        form.fill("Timezone", _midday_zone(now))
        form.fill("Start Time", f"{local - timedelta(hours=1):%H:%M}")
        form.fill("End Time", f"{local + timedelta(minutes=20):%H:%M}")
        for day in ("6", "7"):
            form.add("Working Days", day)
        _keep(page, "form")
        assert form.labels()[:4] == ["settings", "Name", "Agent Id", "Contact List"]
        form.submit()
        wait_for(lambda: _completed(up, f"schedule {NAME}, version 1"), 120, "the campaign")

        (plan,) = up.ask("/artifacts/latest/filter", artifacts={"key": {"like_": "plan-%"}})
        page.goto(f"{up.address}/artifacts/artifact/{plan['latest_id']}")
        page.get_by_text("245 calls").wait_for()
        page.get_by_text("which day has room").wait_for()
        _keep(page, "plan")

        wait_for(up.calls_made, 180, "a call")
        page.goto(f"{up.address}/runs")
        page.get_by_text("dispatch").first.wait_for()

        form = Form(page, up.address, ids["pause"])
        form.fill("campaign", NAME)
        form.submit()
        wait_for(lambda: _completed(up, f"pause {NAME}, version 1"), 120, "the pause")
        made = up.calls_made()
        page.wait_for_timeout(1000 * STILL_SECONDS)
        assert up.calls_made() == made

        (done,) = wait_for(
            lambda: up.ask("/artifacts/latest/filter", artifacts={"key": {"any_": ["dispatch"]}}),
            180,
            "a report",
        )
        page.goto(f"{up.address}/artifacts/artifact/{done['latest_id']}")
        page.get_by_text("calls placed").wait_for()
        page.get_by_text(NAME).first.wait_for()
        _keep(page, "dispatch")


def test_the_form_says_which_field_is_wrong(up):
    with opened_page() as page:
        form = Form(page, up.address, up.deployments()["schedule"])
        form.fill("Name", "A mistake")
        form.fill("Agent Id", "agent-7")
        form.fill("Timezone", "America/Gotham")
        form.submit()
        run = wait_for(lambda: up.runs("FAILED", "CRASHED"), 120, "the refusal")[0]
    assert "timezone" in run["state"]["message"]
    assert "America/Gotham" in run["state"]["message"] or "IANA" in run["state"]["message"]


def test_an_update_form_changes_what_was_filled_in_and_nothing_else(up, tmp_path):
    retry = {"max_attempts": 3, "delay_minutes": {"busy": 10}}
    settings = {"name": "Retried", "agent_id": "agent-7", "contact_list": "sample", "dialer": "simulated"}
    file = tmp_path / "retried.json"
    file.write_text(json.dumps(settings | {"phone_numbers": ["+12125550190"], "retry": retry}))
    for command in (["create", str(file)], ["schedule", "Retried"]):
        subprocess.run([CALLPLAN, *command], env=environment(up.home), check=True, capture_output=True)
    with opened_page() as page:
        form = Form(page, up.address, up.deployments()["update"])
        form.fill("campaign", "Retried")
        form.fill("Max Concurrent Calls", "5")
        form.submit()
        run = wait_for(
            lambda: [run for run in up.runs() if run["name"] == "update Retried"], 120, "the update"
        )[0]
        wait_for(lambda: _completed(up, "update Retried"), 120, "its end")
    assert run["parameters"]["changes"]["max_concurrent_calls"] == 5
    stored = stored_campaign(Ledger(up.home.ledger), "Retried")
    assert stored.settings.max_concurrent_calls == 5
    assert stored.settings.retry.model_dump(mode="json") == retry
    assert stored.latest_version == 1


def test_a_list_is_loaded_from_a_form_in_which_optional_fields_stay_empty(up):
    with opened_page() as page:
        form = Form(page, up.address, up.deployments()["load"])
        form.fill("file", str(SAMPLE))
        form.fill("list_name", "others")
        _keep(page, "load")
        form.submit()
        wait_for(lambda: _completed(up, "load others"), 120, "the list")
