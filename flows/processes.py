"""What this machine says of a process."""

from pathlib import Path


def is_stopped(pid: int) -> bool:
    """Return whether a process was stopped by a signal, as far as this machine can tell."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "T"
