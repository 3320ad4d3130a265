"""The Prefect block with Truedy's address and key."""

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from flows.dialers.truedy_access import REQUESTS_PER_MINUTE, TruedyAccess

BLOCK_NAME = "truedy"
"""The block of this name is used where the environment has no access to Truedy."""


class TruedyCredentials(Block):
    """Where Truedy's API is, and the key to it."""

    _block_type_name = "Truedy credentials"
    _block_type_slug = "truedy-credentials"
    _description = "Address and key of Truedy's public API, with which callplan places calls."

    base_url: str = Field(pattern=r"^https?://", description="Such as https://…/api/public/v1")
    api_key: SecretStr = Field(min_length=1, description="The bearer key of the organisation")
    requests_per_minute: int = Field(
        REQUESTS_PER_MINUTE, ge=1, description="What Truedy allows the organisation"
    )

    def access(self) -> TruedyAccess:
        """Return the access that the dialer needs."""
        return TruedyAccess(
            self.base_url.rstrip("/"), self.api_key.get_secret_value(), self.requests_per_minute
        )
