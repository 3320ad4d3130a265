import inspect
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from flows.serving.deployments import OPERATIONS, deployment_of, flow_of
from flows.serving.runner import _as_left

ROOT = Path(__file__).parents[3]


def _written():
    return yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


def test_prefect_yaml_has_the_same_deployments():
    said = [
        {
            "name": operation.name,
            "entrypoint": operation.entrypoint,
            "tags": list(operation.tags),
            "work_pool": {"name": "callplan"},
        }
        | ({"schedules": [{"interval": operation.every_seconds}]} if operation.every_seconds else {})
        | ({"schedules": [{"cron": operation.cron}]} if operation.cron else {})
        for operation in OPERATIONS
    ]
    assert _written() == said


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_parameter_of_a_form_is_described(operation):
    deployment = deployment_of(operation)
    assert deployment.entrypoint == operation.entrypoint
    module, _, name = operation.entrypoint.rpartition(".")
    assert getattr(import_module(module), name) is flow_of(operation)
    described = deployment._parameter_openapi_schema.properties
    assert list(described) == list(inspect.signature(flow_of(operation).fn).parameters)
    missing = [name for name, field in described.items() if not field.get("description")]
    assert missing == []
    assert deployment.description or flow_of(operation).description


def test_no_flow_and_no_task_is_tried_again_whatever_the_environment_says():
    asked = (
        "from flows.dispatch_due import place_calls; "
        "from flows.serving.deployments import OPERATIONS, flow_of; "
        "print({place_calls.retries, *(flow_of(operation).retries for operation in OPERATIONS)})"
    )
    always = {"PREFECT_FLOWS_DEFAULT_RETRIES": "3", "PREFECT_TASKS_DEFAULT_RETRIES": "3"}
    done = subprocess.run(
        [sys.executable, "-c", asked], env=os.environ | always, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "{0}"


@pytest.mark.parametrize(("schedules", "active"), [([], True), ([True, False], True), ([False], False)])
def test_the_beat_goes_on_unless_a_person_switched_all_its_schedules_off(schedules, active):
    left = _as_left(SimpleNamespace(paused=False, schedules=[SimpleNamespace(active=on) for on in schedules]))
    assert left["active"] is active
