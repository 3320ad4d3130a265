"""Reading campaign settings from YAML or JSON, as data and as they were written."""

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from flows.errors import InputError
from transforms.campaign import Campaign
from transforms.mistakes import InvalidSettingsError

_NULLS = {"", "~", "null", "Null", "NULL"}


class _PlainLoader(yaml.BaseLoader):
    """Reads every unquoted value as the text it looks like; only the nulls of YAML mean nothing.

    YAML 1.1 would read 10:00 as 600, +18005550100 as a number and NO as false. The settings model knows
    what each field is, so it converts the text.
    """

    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        return None if node.style is None and node.value in _NULLS else node.value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        _refuse_repeats(keys)
        return super().construct_mapping(node, deep=deep)


def read_campaign(file: Path) -> Campaign:
    """Return the campaign that a YAML or JSON file describes.

    Raises:
        InputError: the file is missing or no YAML or JSON, or with every mistake in its settings.
    """
    if not file.is_file():
        raise InputError(f"{file}: {'this is not a file' if file.exists() else 'no such file'}")
    try:
        text = file.read_text(encoding="utf-8-sig")
        settings = (
            json.loads(text, object_pairs_hook=_pairs)
            if text.lstrip().startswith("{")
            else yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - builds texts, lists and mappings only
        )
        return Campaign.from_mapping(settings)
    except UnicodeDecodeError:
        raise InputError(f"{file}: this is not UTF-8 text; write the settings as YAML or JSON") from None
    except RecursionError:
        raise InputError(f"{file}: its values lie too deep in one another to be settings") from None
    except (yaml.YAMLError, json.JSONDecodeError, _RepeatedKeyError) as error:
        raise InputError(f"{file}: {' '.join(str(error).split())}") from None
    except InvalidSettingsError as error:
        raise InputError(*(f"{file}: {problem}" for problem in error.problems)) from None


def read_changes(texts: list[str]) -> dict[str, Any]:
    """Return the fields and values of ``field=value`` texts; a value is YAML, such as ``[1, 2]`` or nothing.

    Raises:
        InputError: with every text that is not of that form, and every field that is given twice.
    """
    changes: dict[str, Any] = {}
    problems = []
    for text in texts:
        field, sign, value = text.partition("=")
        try:
            if not sign or not field.strip():
                raise ValueError("is not of the form field=value, such as max_calls_per_day=200")
            if field.strip() in changes:
                raise ValueError(f"{field.strip()} is given twice")
            changes[field.strip()] = yaml.load(value, Loader=_PlainLoader)  # noqa: S506 - texts, lists, mappings
        except (ValueError, yaml.YAMLError) as error:
            problems.append(f"{text!r}: {' '.join(str(error).split())}")
    if problems:
        raise InputError(*problems)
    return changes


class _RepeatedKeyError(ValueError):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _refuse_repeats([key for key, _ in pairs])
    return dict(pairs)


def _refuse_repeats(keys: list[str]) -> None:
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        raise _RepeatedKeyError(f"{', '.join(repeated)} stands there more than once")
