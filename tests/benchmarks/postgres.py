"""A PostgreSQL of our own, for as long as it is needed, on a free loopback port."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_DEBIAN = Path("/usr/lib/postgresql")
_START_SECONDS = 60
_USER = "callplan"


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None where it is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max((file.parent for file in _DEBIAN.glob("*/bin/initdb")), default=None)


@contextmanager
def running_postgres(folder_of_programs: Path) -> Iterator[str]:
    """Start a server with an empty database as it comes, syncs included, and yield where it is.

    It refuses to run as root: there it runs as postgres, or as nobody.
    """
    folder = Path(tempfile.mkdtemp(prefix="callplan-postgres-"))
    unprivileged = _unprivileged(folder)
    port = _free_port()
    data = folder / "data"
    initdb = [
        folder_of_programs / "initdb",
        "-D",
        data,
        "-U",
        _USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    address = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"]
    address += ["-c", f"unix_socket_directories={folder}"]
    try:
        subprocess.run(initdb, cwd=folder, check=True, stdout=subprocess.DEVNULL, **unprivileged)
        with (folder / "log").open("ab") as log:
            server = subprocess.Popen(
                [folder_of_programs / "postgres", "-D", data, *address],
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **unprivileged,
            )
        try:
            _wait_for(folder_of_programs, port, server)
            yield f"host=127.0.0.1 port={port} user={_USER} dbname=postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(_START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Return how a process is started as somebody who is not root, to whom the folder is given."""
    if os.geteuid():
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    shutil.chown(folder, user)
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(folder_of_programs: Path, port: int, server: "subprocess.Popen[bytes]") -> None:
    asking = [folder_of_programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    until = time.monotonic() + _START_SECONDS
    while subprocess.run(asking, check=False).returncode:
        if server.poll() is not None or time.monotonic() > until:
            raise SystemExit("PostgreSQL did not start")
        time.sleep(0.1)
