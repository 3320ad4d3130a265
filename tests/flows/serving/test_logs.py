import subprocess
import sys

import pytest

from flows.serving import logs
from flows.serving.logs import shorten


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(logs, "LONGEST_BYTES", 100)


def test_a_log_that_is_long_is_begun_anew_under_whoever_writes_to_it(tmp_path):
    log = tmp_path / "server.log"
    with log.open("ab") as kept:
        says = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
        with subprocess.Popen([sys.executable, "-c", says], stdin=subprocess.PIPE, stdout=kept) as process:
            process.stdin.write(b"before " * 20 + b"\n")
            process.stdin.flush()
            while not log.stat().st_size:
                pass
            shorten(log)
            process.communicate(b"after\n", timeout=30)
    assert log.read_bytes() == b"after\n"
    assert (tmp_path / "server.log.1").read_bytes() == b"before " * 20 + b"\n"


def test_a_short_log_and_one_that_is_not_there_are_left_alone(tmp_path):
    log = tmp_path / "server.log"
    shorten(log)
    assert not log.exists()
    log.write_bytes(b"." * 100)
    shorten(log)
    assert list(tmp_path.iterdir()) == [log]
