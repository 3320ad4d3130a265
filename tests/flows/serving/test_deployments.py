import inspect
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from flows.serving.deployments import OPERATIONS, deployment_of, flow_of

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
