"""What is wrong with settings, in sentences for a person."""

import json
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_MOMENT = "use a date and time that exist, as 2026-03-20T14:30 or 2026-03-20T14:30+01:00"
_RIGHT = {
    "string_type": "use text",
    "string_too_short": "must not be empty",
    "string_too_long": "use at most {max_length} characters",
    "int_type": "use a whole number",
    "int_parsing": "use a whole number",
    "int_parsing_size": "use a smaller number",
    "int_from_float": "use a whole number",
    "float_type": "use a number",
    "float_parsing": "use a number",
    "greater_than": "must be more than {gt:,.0f}",
    "greater_than_equal": "must be at least {ge:,.0f}",
    "less_than": "must be less than {lt:,.0f}",
    "less_than_equal": "must be at most {le:,.0f}",
    "enum": "use one of {expected}",
    "list_type": "use a list, such as [first, second]",
    "too_short": "give at least {min_length}",
    "dict_type": "use a mapping, such as {{key: value}}",
    "model_type": "use a mapping of fields, such as {{field: value}}",
    "date_type": "use a date, YYYY-MM-DD",
    "date_from_datetime_parsing": "use a date, YYYY-MM-DD",
    "date_from_datetime_inexact": "use a date, YYYY-MM-DD",
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
}
"""By pydantic's kind of mistake, what would be right; of any other kind pydantic's own words are told."""


class InvalidSettingsError(ValueError):
    """Settings that cannot be used; ``problems`` has one sentence for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def sentences(error: ValidationError, known_fields: list[str]) -> list[str]:
    """Return one sentence for each mistake: the field, what would be right, and what was found."""
    return [_sentence(problem, known_fields) for problem in error.errors()]


def _sentence(problem: ErrorDetails, known_fields: list[str]) -> str:
    path = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(str(problem["loc"][-1]), known_fields, n=1)
        return f"{path}: is not a known field" + (f"; did you mean {near[0]}?" if near else "")
    if problem["type"] == "missing":
        return f"{path}: is required"
    found = problem["input"]
    return f"{path}: {_right(problem)}" + ("" if found is None else f" (found {_shown(found)})")


def _right(problem: ErrorDetails) -> str:
    if problem["type"] in _RIGHT:
        return _RIGHT[problem["type"]].format_map(problem.get("ctx", {}))
    return problem["msg"].removeprefix("Value error, ")


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
