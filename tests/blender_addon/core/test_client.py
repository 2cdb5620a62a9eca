# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against a worker that does everything wrong that a worker can do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blender_addon.core import process
from blender_addon.core.client import Limits, OnEvent, OnReply, Outcome, WorkerClient

from splatcut.messages import worker as messages

FAKE = Path(__file__).resolve().parents[2] / "support" / "fake_worker.py"
QUICK = Limits(silence=1.0, start=5.0, cancel=1.0)
VERSION = "0.1.0"


class WaitingClient(WorkerClient):
    """A client whose outcomes can be waited for."""

    def __init__(self, *args: Any) -> None:
        self.outcomes: dict[int, Outcome] = {}
        super().__init__(*args)

    def request(
        self, request: messages.Request, on_reply: OnReply | None = None, on_event: OnEvent | None = None
    ) -> int:
        def answered(outcome: Outcome) -> None:
            self.outcomes[number] = outcome
            if on_reply is not None:
                on_reply(outcome)

        number = super().request(request, answered, on_event)
        return number

    def wait(self, number: int) -> Outcome:
        poll_until(self, lambda: number in self.outcomes, 10.0)
        return self.outcomes[number]

    def result(self, request: messages.Request) -> Any:
        outcome = self.wait(self.request(request))
        assert outcome.ok
        return outcome.result


Start = Callable[..., WaitingClient]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts clients of fake workers, which are ended after the test."""
    clients: list[WaitingClient] = []

    def make(*modes: str, limits: Limits = QUICK, version: str = VERSION) -> WaitingClient:
        client = WaitingClient([sys.executable, str(FAKE), *modes], tmp_path / "logs" / "log", version, limits)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close(0.2)


def load(path: str = "scene.ply") -> messages.LoadScene:
    return messages.LoadScene(Path(path))


def poll_until(client: WorkerClient, condition: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        client.poll()
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_requests_get_their_results_in_order(start: Start) -> None:
    client = start()
    first = client.request(load("a.ply"))
    second = client.request(messages.Encode(("left", "right")))
    assert client.wait(second).result == messages.EncodeResult(2)
    assert client.wait(first).result == messages.LoadSceneResult("hash of a.ply", 3)
    assert client.hello is not None
    assert (client.hello.device, client.hello.model) == ("cpu", "fake")
    poll_until(client, lambda: client.rss == 123_000_000)


def test_callbacks_are_called_once_each_and_only_by_poll(start: Start) -> None:
    client = start("slow=0.1")
    replies: list[Outcome] = []
    events: list[messages.Event] = []
    client.request(load(), replies.append, events.append)
    time.sleep(0.5)
    assert not replies
    assert not events
    poll_until(client, lambda: replies)
    for _ in range(10):
        client.poll()
    assert [reply.ok for reply in replies] == [True]
    fractions = [event.fraction for event in events if isinstance(event, messages.ProgressEvent)]
    assert fractions
    assert fractions == sorted(fractions)


@pytest.mark.parametrize("mode", ["die", "kill"])
def test_a_worker_that_dies_fails_every_request_with_a_sentence(start: Start, mode: str) -> None:
    client = start(f"{mode}=encode")
    numbers = [client.request(load()), client.request(messages.Encode(("v",))), client.request(load("b.ply"))]
    outcomes = [client.wait(number) for number in numbers]
    assert outcomes[1].problem is not None
    assert outcomes[1].problem.kind == "died"
    assert ("code 7" if mode == "die" else "killed (SIGKILL)") in outcomes[1].problem.message
    assert "prompts and objects are unchanged" in outcomes[1].problem.message
    assert str(client.log) in outcomes[1].problem.message
    assert not client.alive
    if mode == "die":
        assert "something broke" in client.log.read_text(encoding="utf-8")


def test_an_idle_worker_that_is_killed_is_noticed(start: Start) -> None:
    client = start()
    client.result(load())
    assert client.hello is not None
    os.kill(client.hello.pid, signal.SIGKILL)
    poll_until(client, lambda: not client.alive)
    assert client.problem is not None
    assert client.problem.kind == "died"
    # A request to a dead worker is answered, too.
    outcome = client.wait(client.request(load()))
    assert outcome.problem is not None
    assert outcome.problem.kind == "died"


def test_a_worker_without_a_sign_of_life_is_ended(start: Start) -> None:
    client = start("hang=encode")
    client.result(load())
    assert client.hello is not None
    before = time.monotonic()
    outcome = client.wait(client.request(messages.Encode(("v",))))
    assert 0.9 < time.monotonic() - before < 4
    assert outcome.problem is not None
    assert outcome.problem.kind == "died"
    assert "no sign of life for 1 s" in outcome.problem.message
    assert not is_running(client.hello.pid)


def test_heartbeats_that_came_while_nobody_polled_count(start: Start) -> None:
    client = start("slow=2.5")
    number = client.request(load())
    poll_until(client, lambda: client.hello)
    time.sleep(2.0)  # longer than the silence that is allowed
    client.poll()
    assert client.alive
    assert client.wait(number).ok


@pytest.mark.parametrize("mode", ["mute-start", "deaf", "mute=hello", "hang=hello"])
def test_a_worker_that_never_answers_is_given_up(start: Start, mode: str) -> None:
    client = start(mode, limits=Limits(silence=1.0, start=1.0, cancel=1.0))
    # More than a pipe holds: a worker that does not read must not hold us up.
    for _ in range(20):
        number = client.request(load("x" * 10_000))
    before = time.monotonic()
    outcome = client.wait(number)
    assert time.monotonic() - before < 5
    assert outcome.problem is not None
    assert outcome.problem.kind == "start"
    assert "did not respond within 1 s" in outcome.problem.message


@pytest.mark.parametrize("mode", ["version=9.9.9", "protocol=77", "fail=hello:version"])
def test_another_version_is_refused_before_anything_is_asked(start: Start, mode: str, tmp_path: Path) -> None:
    client = start(mode, f"log={tmp_path / 'asked'}")
    outcome = client.wait(client.request(load()))
    assert outcome.problem is not None
    assert outcome.problem.kind == "version"
    if mode != "fail=hello:version":
        for part in ("9.9.9" if "version" in mode else "protocol 77", VERSION, "preferences"):
            assert part in outcome.problem.message
    assert "load_scene" not in ((tmp_path / "asked").read_text() if (tmp_path / "asked").exists() else "")


def test_a_greeting_that_looks_different_is_another_version(tmp_path: Path) -> None:
    script = (
        'import sys,time;print(\'{"event":"ready","protocol":4,"version":"3.0","news":1}\',flush=True);time.sleep(60)'
    )
    client = WaitingClient([sys.executable, "-c", script], tmp_path / "log", VERSION, QUICK)
    outcome = client.wait(client.request(load()))
    client.close(0)
    assert outcome.problem is not None
    assert outcome.problem.kind == "version"
    assert "3.0 (protocol 4)" in outcome.problem.message


def test_nonsense_between_the_messages_goes_to_the_log(start: Start) -> None:
    client = start("garbage")
    assert client.result(load()).gaussians == 3
    assert client.result(load("b.ply")).gaussians == 3
    client.close()
    assert "Loading model" in client.log.read_text(encoding="utf-8", errors="replace")


def test_a_line_without_end_ends_the_worker(start: Start) -> None:
    client = start("spam", limits=Limits(silence=20, start=20, cancel=1))
    outcome = client.wait(client.request(load()))
    assert outcome.problem is not None
    assert outcome.problem.lost_worker


def test_a_flood_of_errors_neither_blocks_nor_fills_the_disk(start: Start) -> None:
    client = start("flood", limits=Limits(silence=10, start=30, cancel=1))
    assert client.result(load()).gaussians == 3
    client.close()
    files = list(client.log.parent.iterdir())
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) <= 2 * (process.LOG_BYTES + (1 << 16))


def test_a_log_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    client = WaitingClient([sys.executable, str(FAKE), "flood"], tmp_path / "file" / "log", VERSION, QUICK)
    assert client.result(load()).gaussians == 3
    client.close()


def test_cancel_stops_a_request_and_leaves_the_worker(start: Start) -> None:
    client = start("slow=30")
    number = client.request(load())
    poll_until(client, lambda: client.hello)
    client.cancel(number)
    before = time.monotonic()
    outcome = client.wait(number)
    assert time.monotonic() - before < 1
    assert outcome.problem is not None
    assert outcome.problem.kind == "cancelled"
    assert client.alive


def test_a_worker_that_does_not_obey_a_cancel_is_ended(start: Start) -> None:
    client = start("mute=encode")
    client.result(load())
    number = client.request(messages.Encode(("v",)))
    client.poll()
    client.cancel(number)
    outcome = client.wait(number)
    assert outcome.problem is not None
    assert outcome.problem.kind == "cancelled"
    assert not client.alive


def test_a_request_can_be_cancelled_before_the_worker_has_started(start: Start) -> None:
    client = start("mute-start")
    number = client.request(load())
    client.cancel(number)
    outcome = client.wait(number)
    assert outcome.problem is not None
    assert outcome.problem.kind == "cancelled"


def test_errors_of_the_worker_come_through_with_their_kind(start: Start) -> None:
    client = start("fail=load_scene:memory")
    outcome = client.wait(client.request(load()))
    assert outcome.problem is not None
    assert (outcome.problem.kind, "It is wrong" in outcome.problem.message) == ("memory", True)
    assert client.alive


def test_a_missing_interpreter_is_a_sentence(tmp_path: Path) -> None:
    client = WaitingClient([str(tmp_path / "nowhere" / "python"), "-m", "splatcut"], tmp_path / "log", VERSION)
    outcome = client.wait(client.request(load()))
    assert outcome.problem is not None
    assert outcome.problem.kind == "start"
    assert "does not exist" in outcome.problem.message
    assert "preferences" in outcome.problem.message


@pytest.mark.skipif(os.name == "nt", reason="there is no such permission on Windows")
def test_an_interpreter_that_cannot_be_run_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("no program")
    client = WaitingClient([str(tmp_path / "python")], tmp_path / "log", VERSION)
    assert client.problem is not None
    assert "cannot be started" in client.problem.message


def test_an_interpreter_without_the_engine_is_a_sentence(tmp_path: Path) -> None:
    client = WaitingClient([sys.executable, "-I", "-S", "-m", "no_such_engine"], tmp_path / "log", VERSION)
    outcome = client.wait(client.request(load()))
    assert outcome.problem is not None
    assert outcome.problem.kind == "start"
    assert "exited with code 1" in outcome.problem.message
    assert "no_such_engine" in (tmp_path / "log").read_text(encoding="utf-8")


def test_a_callback_that_raises_does_not_stop_the_pump(start: Start) -> None:
    client = start()
    seen: list[Outcome] = []

    def broken(outcome: Outcome) -> None:
        raise ValueError("a fault of the caller's")

    client.request(load(), broken)
    number = client.request(load(), seen.append)
    client.wait(number)
    assert len(seen) == 1


def test_a_callback_may_wait_for_another_request(start: Start) -> None:
    client = start()
    inner: list[Outcome] = []
    outer = client.request(load(), lambda outcome: inner.append(client.wait(client.request(messages.Encode(())))))
    client.wait(outer)
    poll_until(client, lambda: inner)
    assert inner[0].result == messages.EncodeResult(0)


def test_close_ends_the_worker_and_answers_what_is_open(start: Start) -> None:
    client = start("slow=30")
    replies: list[Outcome] = []
    client.request(load(), replies.append)
    poll_until(client, lambda: client.hello)
    assert client.hello is not None
    client.close()
    assert [reply.problem.kind for reply in replies if reply.problem] == ["cancelled"]
    assert not is_running(client.hello.pid)


@pytest.mark.skipif(os.name == "nt", reason="kills with signals")
def test_the_worker_ends_with_its_parent(tmp_path: Path) -> None:
    script = f"""
import sys, time
sys.path[:0] = {sys.path!r}
from pathlib import Path
from blender_addon.core.client import WorkerClient
from splatcut.messages import worker
client = WorkerClient([sys.executable, {str(FAKE)!r}], Path({str(tmp_path / "log")!r}), "0.1.0")
client.request(worker.LoadScene(Path("a.ply")))
while client.hello is None:
    client.poll()
print(client.hello.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 5
    while is_running(pid):
        assert time.monotonic() < end, "the worker outlives its parent"
        time.sleep(0.05)


def test_nothing_of_blenders_gets_into_the_workers_environment() -> None:
    variables = process.clean_environment(
        {"PATH": "/bin", "PYTHONPATH": "x", "PYTHONHOME": "y", "LD_LIBRARY_PATH": "z", "VIRTUAL_ENV": "v", "HOME": "/h"}
    )
    assert variables == {
        "PATH": "/bin",
        "HOME": "/h",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONNOUSERSITE": "1",
    }
