"""What is wrong with settings, in sentences for a person."""

import json
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError


class InvalidSettingsError(ValueError):
    """Settings that cannot be used; ``problems`` has one sentence for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def sentences(error: ValidationError, known_fields: list[str]) -> list[str]:
    """Return one sentence for each mistake: the field, what would be right, and what was found."""
    return [_sentence(problem, known_fields) for problem in error.errors()]


def _sentence(problem: Any, known_fields: list[str]) -> str:
    path = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(str(problem["loc"][-1]), known_fields, n=1)
        return f"{path}: is not a known field" + (f"; did you mean {near[0]}?" if near else "")
    if problem["type"] == "missing":
        return f"{path}: is required"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:] if message[:2] != message[:2].upper() else message
    found = problem["input"]
    return f"{path}: {message}" + ("" if found is None else f" (found {_shown(found)})")


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
