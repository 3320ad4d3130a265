import shutil

import pytest

from tests.flows.cli.callplan import PEOPLE, SETTINGS, Callplan


@pytest.fixture
def callplan(tmp_path):
    return Callplan(tmp_path)


@pytest.fixture(scope="session")
def scheduled_once(tmp_path_factory):
    """Three commands before a store has a campaign: they are given once, and each test has a copy."""
    callplan = Callplan(tmp_path_factory.mktemp("scheduled"))
    callplan.ok("load", callplan.write("people.csv", PEOPLE), "--list", "people", "--region", "US")
    callplan.ok("create", callplan.write("campaign.yaml", SETTINGS))
    callplan.ok("schedule", "Renewals")
    return callplan.home


@pytest.fixture
def scheduled(callplan, scheduled_once):
    """A store with a campaign of 20 contacts scheduled for the coming days."""
    shutil.copytree(scheduled_once, callplan.home)
    return callplan
