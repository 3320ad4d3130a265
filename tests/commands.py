"""Commands of callplan as processes, with their two outputs and their exit code."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.forking import fork

_SECONDS = 120


def run(*arguments: object, folder: Path, home: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder, on the store at ``home``, and return how it ended."""
    words = ["callplan", *map(str, arguments)]
    environment = os.environ | {"CALLPLAN_HOME": str(home)}
    with TemporaryDirectory() as kept:
        said, complained = Path(kept) / "stdout", Path(kept) / "stderr"
        process = fork(_run, words, folder, environment, said, complained)
        process.join(_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, _SECONDS)
        return subprocess.CompletedProcess(words, process.exitcode, said.read_text(), complained.read_text())


def _run(
    words: list[str], folder: Path, environment: Mapping[str, str], said: Path, complained: Path
) -> None:
    """Do what the console script does."""
    for file, descriptor in ((said, 1), (complained, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words
    from flows.cli import main

    main()
