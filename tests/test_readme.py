"""The README's commands are run in its own order, and must print what it says."""

import re
import shlex
import shutil
from pathlib import Path

from typer.testing import CliRunner

from flows.cli import app
from tests.commands import run
from transforms.campaign import Campaign

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
NOBODY = "00000000-0000-0000-0000-000000000000"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _console_commands():
    """Return each command of the README's console blocks with the lines it is said to print."""
    commands = []
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            commands.append((command, output.splitlines()))
    return commands


def _matches(printed, said):
    """Return whether lines are as said; a line … stands for any lines, … at a line's end for any words."""
    if not said:
        return not printed
    if said[0] == "…":
        return any(_matches(printed[skipped:], said[1:]) for skipped in range(len(printed) + 1))
    if not printed:
        return False
    same = printed[0].startswith(said[0][:-1]) if said[0].endswith("…") else printed[0] == said[0]
    return same and _matches(printed[1:], said[1:])


def test_every_command_of_the_readme_prints_what_it_says(tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("store*"))
    commands = _console_commands()
    assert len(commands) > 10
    for command, said in commands:
        program, *arguments = shlex.split(command)
        assert program == "callplan"
        done = run(*arguments, folder=tmp_path, home=tmp_path / "store")
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        printed = [re.sub(UUID, NOBODY, line).rstrip() for line in done.stdout.splitlines()]
        assert _matches(printed, [line.rstrip() for line in said]), f"{command}\n{done.stdout}"


def test_every_command_is_in_the_readme():
    listed = CliRunner().invoke(app, ["--help"]).stdout.partition("Commands:")[2]
    names = set(re.findall(r"^  (\w+) ", listed, re.MULTILINE))
    assert len(names) == 20
    mentioned = set(re.findall(r"(?:callplan|make) (\w+)", README))
    assert names <= mentioned


def test_every_setting_is_in_the_readme():
    missing = [name for name in Campaign.model_fields if f"`{name}`" not in README]
    assert missing == []


def test_every_path_in_the_readme_exists():
    paths = re.findall(r"`((?:flows|transforms|sql|data)/[\w./]+)`", README)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists() and path != "data/store"] == []
