"""``python -m tests.faults.real.serving``: serves the dispatch flow as a deployment."""

from flows.dispatch_due import dispatch_due

NAME = "dispatch"
"""The deployment's name, ``dispatch-due/dispatch`` in full."""


def main() -> None:
    """Serve until a signal."""
    dispatch_due.serve(name=NAME, pause_on_shutdown=False, print_starting_message=False)


if __name__ == "__main__":
    main()
