"""Where Truedy's API is, and the key to it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, HttpUrl, TypeAdapter, ValidationError

from flows.errors import InputError

BLOCK_TYPE, BLOCK_NAME = "truedy-credentials", "truedy"
"""The Prefect block that is used where the environment has no access to Truedy."""

REQUESTS_PER_MINUTE = 100
"""What Truedy allows an organisation, unless ``TRUEDY_REQUESTS_PER_MINUTE`` says otherwise."""
_LONGEST_LABEL, _LONGEST_HOST = 63, 253
"""How long a part of a host's name is at most, between two dots, and the name (RFC 1035)."""


def _refuse_unusable(address: HttpUrl) -> HttpUrl:
    """Refuse an address that requests cannot be sent to, or that says more than where they go."""
    if address.username or address.password:
        raise ValueError("no user and password: the key is all that Truedy asks for")
    if address.query is not None or address.fragment is not None:
        raise ValueError("nothing after the path")
    host = str(address.host)
    if len(host) > _LONGEST_HOST or not all(0 < len(label) <= _LONGEST_LABEL for label in host.split(".")):
        raise ValueError("a host name whose parts have 1 to 63 letters each, and 253 together")
    if address.port == 0:
        raise ValueError("a port from 1 on")
    return address


BaseUrl = Annotated[HttpUrl, AfterValidator(_refuse_unusable)]
"""Where an API is: its scheme, host, port and path."""

_BASE_URL = TypeAdapter(BaseUrl)


@dataclass(frozen=True)
class TruedyAccess:
    """Where Truedy's API is and the key to it; the key is shown nowhere."""

    base_url: str
    api_key: str
    requests_per_minute: int = REQUESTS_PER_MINUTE

    def __repr__(self) -> str:
        return f"TruedyAccess({self.base_url!r}, api_key=…)"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """Return what ``TRUEDY_BASE_URL`` and ``TRUEDY_API_KEY`` say, or None where they are not set.

        Raises:
            InputError: only one of them is set, the address or the key cannot be used, or the number of
                requests is none.
        """
        base_url, api_key = (
            environment.get(name, "").strip()  # a file that one was read from ends in a new line
            for name in ("TRUEDY_BASE_URL", "TRUEDY_API_KEY")
        )
        if not base_url and not api_key:
            return None
        problems = [
            f"{name}: is required for the dialer truedy"
            for name, value in (("TRUEDY_BASE_URL", base_url), ("TRUEDY_API_KEY", api_key))
            if not value
        ]
        if base_url:
            try:
                base_url = str(_BASE_URL.validate_python(base_url))
            except ValidationError as error:  # what was found may have a password in it
                wrong = error.errors()[0]["msg"].removeprefix("Value error, ")
                problems.append(
                    f"TRUEDY_BASE_URL: must be an address such as https://…/api/public/v1: {wrong}"
                )
        if not (api_key.isascii() and api_key.isprintable()):
            problems.append(
                "TRUEDY_API_KEY: holds what no key has, such as a new line; it is letters and digits"
            )
        limit = environment.get("TRUEDY_REQUESTS_PER_MINUTE", str(REQUESTS_PER_MINUTE))
        if not limit.isdecimal() or not int(limit):
            problems.append(f"TRUEDY_REQUESTS_PER_MINUTE: {limit!r} is no number of requests, such as 100")
        if problems:
            raise InputError(*problems)
        return cls(base_url.rstrip("/"), api_key, int(limit))
