"""Where Truedy's API is, and the key to it."""

import os
from dataclasses import dataclass
from typing import Self

from flows.errors import InputError

REQUESTS_PER_MINUTE = 100
"""What Truedy allows an organisation, unless ``TRUEDY_REQUESTS_PER_MINUTE`` says otherwise."""


@dataclass(frozen=True)
class TruedyAccess:
    """Where Truedy's API is and the key to it; the key is shown nowhere."""

    base_url: str
    api_key: str
    requests_per_minute: int = REQUESTS_PER_MINUTE

    def __repr__(self) -> str:
        return f"TruedyAccess({self.base_url!r}, api_key=…)"

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return what ``TRUEDY_BASE_URL`` and ``TRUEDY_API_KEY`` say, or None where they are not set.

        Raises:
            InputError: only one of them is set, the key cannot be sent, or the number of requests is none.
        """
        base_url, api_key = (
            os.environ.get(name, "").strip()  # a file that one was read from ends in a new line
            for name in ("TRUEDY_BASE_URL", "TRUEDY_API_KEY")
        )
        if not base_url and not api_key:
            return None
        problems = [
            f"{name}: is required for the dialer truedy"
            for name, value in (("TRUEDY_BASE_URL", base_url), ("TRUEDY_API_KEY", api_key))
            if not value
        ]
        if base_url and not base_url.startswith(("http://", "https://")):
            problems.append("TRUEDY_BASE_URL: must begin with https://")
        if not (api_key.isascii() and api_key.isprintable()):
            problems.append(
                "TRUEDY_API_KEY: holds what no key has, such as a new line; it is letters and digits"
            )
        limit = os.environ.get("TRUEDY_REQUESTS_PER_MINUTE", str(REQUESTS_PER_MINUTE))
        if not limit.isdecimal() or not int(limit):
            problems.append(f"TRUEDY_REQUESTS_PER_MINUTE: {limit!r} is no number of requests, such as 100")
        if problems:
            raise InputError(*problems)
        return cls(base_url.rstrip("/"), api_key, int(limit))
