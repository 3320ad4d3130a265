"""Setting a Prefect server up: what it needs beside the deployments.

``callplan up`` does it by itself; for a server of one's own: ``python -m flows.serving.setting_up``, before a
worker is started.
"""

from datetime import UTC, datetime

from prefect import get_client

from flows.dialers.truedy_block import TruedyCredentials
from flows.home import find_home
from flows.serving import zombies
from flows.sweep_runs import sweep


def set_up() -> None:
    """Register the kind of block that credentials are kept in, and the automations against zombies.

    What an earlier runner or worker left is swept away, before anything of it is begun: runs that it took
    and never started fill the places of a work pool, the one of the sweep among them.
    """
    TruedyCredentials.register_type_and_schema()
    with get_client(sync_client=True) as client:
        zombies.install(client)
        sweep(find_home(), client, datetime.now(UTC))


if __name__ == "__main__":
    set_up()
