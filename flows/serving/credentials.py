"""What a Prefect block says of Truedy, kept for whoever stands in while the server that has it is away.

Asked over HTTP, because the supervisor does without Prefect. It is kept in memory only.
"""

import os
from collections.abc import Mapping
from http import HTTPStatus
from urllib.error import HTTPError

from flows.dialers.truedy_access import BLOCK_NAME, BLOCK_TYPE, TruedyAccess
from flows.errors import InputError
from flows.serving.server import answers, asked

_BLOCK = f"/block_types/slug/{BLOCK_TYPE}/block_documents/name/{BLOCK_NAME}?include_secrets=true"


class KeptCredentials:
    """What the block of the server at ``api`` last said, as an ``environment`` to add to one's own."""

    def __init__(self, api: str) -> None:
        self._api = api
        self.environment: dict[str, str] = {}

    def look(self) -> bool:
        """Return whether the server answers; ask it again then, unless the environment speaks for itself."""
        if not answers(self._api):
            return False
        if not os.environ.keys() & {"TRUEDY_BASE_URL", "TRUEDY_API_KEY"}:
            self.environment = credentials_of(self._api, self.environment)
        return True


def credentials_of(api: str, before: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that gives access to Truedy as the block at ``api`` says.

    Where the server does not say, what it said ``before`` counts; a block that is not valid gives none.
    """
    try:
        data = asked(api, _BLOCK)["data"]
        found = {
            "TRUEDY_BASE_URL": str(data["base_url"]),
            "TRUEDY_API_KEY": str(data["api_key"]),
            "TRUEDY_REQUESTS_PER_MINUTE": str(data["requests_per_minute"]),
        }
        return found if TruedyAccess.from_environment(found) else {}
    except InputError:
        return {}
    except HTTPError as refusal:
        return {} if refusal.code == HTTPStatus.NOT_FOUND else dict(before)
    except (OSError, ValueError, KeyError, TypeError):  # it is away, or no server of Prefect's
        return dict(before)
