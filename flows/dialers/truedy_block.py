"""The Prefect block with Truedy's address and key, for flow runs whose environment has neither."""

import os

from prefect import get_run_logger
from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr

from flows.dialers.truedy_access import BLOCK_NAME, BLOCK_TYPE, REQUESTS_PER_MINUTE, BaseUrl, TruedyAccess


class TruedyCredentials(Block):
    """Where Truedy's API is, and the key to it."""

    model_config = ConfigDict(hide_input_in_errors=True)  # an address may have a password in it

    _block_type_name = "Truedy credentials"
    _block_type_slug = BLOCK_TYPE
    _description = "Address and key of Truedy's public API, with which callplan places calls."

    base_url: BaseUrl = Field(description="Such as https://…/api/public/v1")
    api_key: SecretStr = Field(min_length=1, description="The bearer key of the organisation")
    requests_per_minute: int = Field(
        REQUESTS_PER_MINUTE, ge=1, description="What Truedy allows the organisation"
    )


def take_up_credentials() -> None:
    """Put what the block says, if it exists, into this process's environment where that has no access."""
    if TruedyAccess.from_environment() is not None:
        return
    try:
        block = TruedyCredentials.load(BLOCK_NAME)
    except ValueError:  # there is no block of this name
        return
    except RuntimeError:  # what is said of it may have the key in it
        get_run_logger().error(
            "the block %s is not valid and is left out: open it, and fill in what it asks for", BLOCK_NAME
        )
        return
    assert isinstance(block, TruedyCredentials)  # noqa: S101 - a coroutine only where an event loop runs
    os.environ.update(
        TRUEDY_BASE_URL=str(block.base_url),
        TRUEDY_API_KEY=block.api_key.get_secret_value(),
        TRUEDY_REQUESTS_PER_MINUTE=str(block.requests_per_minute),
    )
