import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.provider.__main__ import serve
from tests.provider.asking import look_up, post, wait_for
from tests.provider.record import RINGS, Record, requests, rings
from tests.provider.running import RunningProvider, running_provider


def test_a_ring_is_synced_before_it_is_answered(tmp_path, monkeypatch):
    synced, on_disk_at_sync = asyncio.Event(), []

    async def ring_while_the_disk_waits():
        loop = asyncio.get_running_loop()

        def slow(_):
            on_disk_at_sync.append(len(rings(tmp_path)))
            asyncio.run_coroutine_threadsafe(synced.wait(), loop).result()

        monkeypatch.setattr(os, "fdatasync", slow)
        record = Record(tmp_path)
        keeping = asyncio.create_task(record.keep())
        ringing = asyncio.create_task(record.ring({"ring": "one"}))
        await asyncio.to_thread(wait_for, lambda: on_disk_at_sync)
        assert not ringing.done()
        sharing = [asyncio.create_task(record.ring({"ring": str(number)})) for number in range(50)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in sharing)
        synced.set()
        await asyncio.gather(ringing, *sharing)
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        record.close()

    asyncio.run(ring_while_the_disk_waits())
    assert on_disk_at_sync == [1, 51]


def test_a_provider_that_cannot_record_answers_nothing_and_ends(tmp_path, monkeypatch, capsys):
    def full(_):
        raise OSError(errno.ENOSPC, "no space left")

    async def ask_it():
        serving = asyncio.create_task(serve(tmp_path, port=0, seed=0, while_stdin=False))
        said = await asyncio.to_thread(wait_for, lambda: capsys.readouterr().out)
        provider = RunningProvider(f"http://127.0.0.1:{json.loads(said)['port']}", tmp_path, os.getpid())
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(post, provider, "no room")
        await serving

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(OSError, match="no space left"):
        asyncio.run(ask_it())


def test_a_killed_provider_goes_on_with_its_record(tmp_path):
    with running_provider(tmp_path) as provider:
        first = post(provider, "before")
        os.kill(provider.pid, signal.SIGKILL)
    whole = rings(tmp_path)
    with (tmp_path / RINGS).open("ab") as file:
        file.write(b'{"ring": "to')
    assert rings(tmp_path) == whole
    with running_provider(tmp_path, port=urlsplit(provider.address).port) as provider:
        assert look_up(provider, first.data["id"]).data["status"] == "completed"
        assert post(provider, "before").status == 200
        assert post(provider, "after").status == 201
    assert [ring["key"] for ring in rings(tmp_path)] == ["before", "after"]
    assert [row["status"] for row in requests(tmp_path)] == [201, 200, 201]


def test_a_provider_that_cannot_start_says_why(tmp_path):
    with running_provider(tmp_path / "first") as provider:
        second = running_provider(tmp_path / "second", port=urlsplit(provider.address).port)
        with pytest.raises(RuntimeError, match="address already in use"), second:
            pass


def test_a_provider_ends_with_its_test(tmp_path):
    with running_provider(tmp_path) as provider:
        pass
    with pytest.raises(ConnectionRefusedError):
        post(provider, "too late")


def test_a_provider_ends_when_its_test_is_killed(tmp_path):
    test = (
        "import pathlib, sys, time; from tests.provider.running import running_provider\n"
        "with running_provider(pathlib.Path(sys.argv[1])) as provider:\n"
        "    print(provider.address, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", test, str(tmp_path)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as process:
        provider = RunningProvider(process.stdout.readline().decode().strip(), tmp_path, 0)
        assert post(provider, "alive").status == 201
        process.kill()

    def is_gone():
        try:
            return not post(provider, "alive")
        except ConnectionError:
            return True

    wait_for(is_gone)
