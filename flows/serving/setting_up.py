"""Setting a Prefect server up: what it needs beside the deployments.

``callplan up`` does it by itself; for a server of one's own: ``python -m flows.serving.setting_up``.
"""

from prefect import get_client

from flows.dialers.truedy_block import TruedyCredentials
from flows.serving import zombies


def set_up() -> None:
    """Register the kind of block that credentials are kept in, and the automation against zombies.

    Doing it twice changes nothing.
    """
    TruedyCredentials.register_type_and_schema()
    with get_client(sync_client=True) as client:
        zombies.install(client)


if __name__ == "__main__":
    set_up()
