"""The command line: every operation of callplan for a person or a script."""

import sys

import typer

from flows.cli import asking, calling, campaigning, demonstrating, listing, planning
from flows.cli.output import say
from flows.errors import CallplanError

app = typer.Typer(
    name="callplan",
    help="Turns an outbound-call campaign into one planned call per contact, and places the calls when due.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for module in (demonstrating, listing, planning, campaigning, calling, asking):
    module.add_to(app)


def main() -> None:
    """Run the command line; problems become sentences on stderr and an exit code."""
    try:
        app()
    except CallplanError as error:
        for problem in error.problems:
            say(f"error: {problem}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
