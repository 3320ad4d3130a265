"""The command line: every operation of callplan for a person or a script."""

import atexit
import errno
import os
import re
import signal
import sys
from pathlib import Path

import typer

from flows.cli import (
    asking,
    calling,
    campaigning,
    comparing,
    demonstrating,
    listing,
    mending,
    planning,
    serving,
)
from flows.cli.output import say
from flows.errors import CallplanError, InputError

app = typer.Typer(
    name="callplan",
    help="Turns an outbound-call campaign into one planned call per contact, and places the calls when due.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for module in (demonstrating, listing, planning, campaigning, comparing, calling, mending, asking, serving):
    module.add_to(app)


_SURROGATE = re.compile("[\ud800-\udfff]")
"""What Python puts in the place of bytes that it cannot decode."""

_INTERRUPTED = 130
"""The exit code of a command that was ended by Ctrl-C."""

_REFUSALS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.EMFILE,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
)
"""What the system may answer to work that is right: whoever runs the machine can mend it."""


def main() -> None:
    """Run the command line; problems become sentences on stderr and an exit code."""
    _open_what_is_closed()
    interrupted: list[int] = []

    def interrupt(number: int, _: object) -> None:
        interrupted.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):  # whoever ends it by the latter means Ctrl-C
        signal.signal(number, interrupt)
    code: object = 0
    try:
        _refuse_undecoded(sys.argv)
        app()
    except SystemExit as leaving:
        code = leaving.code
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:  # what DuckDB is at raises an error of its own when it is interrupted
        code = _INTERRUPTED if interrupted else _told(error)
    _leave(code if isinstance(code, int) else int(code is not None))


def _open_what_is_closed() -> None:
    """Lead closed standard streams nowhere; else what a library says would end in the next file opened."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - open until the end
            setattr(sys, name, stream)


def _refuse_undecoded(words: list[str]) -> None:
    """Refuse words that are no text in the system's encoding: nothing could store or show them."""
    problems = [f"{word!r} is not UTF-8 text" for word in words if _SURROGATE.search(word)]
    if problems:
        raise InputError(*problems)


def _told(error: Exception) -> int:
    """Tell a person of a problem and return the exit code; an error that nobody foresaw is raised."""
    if isinstance(error, CallplanError):
        for problem in error.problems:
            say(f"error: {problem}")
        return error.exit_code
    if not _is_refusal(error):
        raise error
    say(f"error: the system refused: {error}")
    return 1


def _is_refusal(error: Exception) -> bool:
    """Whether the system refused; DuckDB and Polars pass on no more of it than its words."""
    return any(os.strerror(code) in str(error) for code in _REFUSALS)


def _leave(code: int) -> None:
    """End the process, after Prefect has sent what it still holds.

    Prefect's background threads keep our modules alive until the very end, and DuckDB then reports every
    object of its own as leaked. Leaving without tearing the interpreter down keeps that off the screen.
    """
    if "prefect" not in sys.modules:
        sys.exit(code)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
