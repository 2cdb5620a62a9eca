# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The worker's loop, with a worker that does what the test wants."""

from __future__ import annotations

import errno
import io
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import splatcut
from splatcut.errors import Cancelled, UserError
from splatcut.messages.lines import parse_answer, parse_result, request_line
from splatcut.messages.results import Result
from splatcut.messages.worker import (
    PROTOCOL_VERSION,
    Cancel,
    CancelResult,
    Convert,
    ConvertResult,
    Encode,
    EncodeResult,
    Event,
    Failure,
    HeartbeatEvent,
    Hello,
    HelloResult,
    LogEvent,
    ReadyEvent,
    Reply,
    Request,
    Shutdown,
    ShutdownResult,
)
from splatcut.worker import server as server_module
from splatcut.worker.server import About, Server

HELLO = Hello(PROTOCOL_VERSION, splatcut.__version__)
CONVERT = Convert(Path("a.ply"), Path("b.ply"))


class Scripted:
    """Does ``plan`` for every request."""

    def __init__(self) -> None:
        self.plan: Callable[[int, Callable[[Event], None], threading.Event], Result] = lambda *_: ConvertResult(1)
        self.done: list[int] = []
        self.warmed, self.forgot = threading.Event(), 0

    def work(self, number: int, request: Request, send: Callable[[Event], None], cancel: threading.Event) -> Result:
        self.done.append(number)
        return self.plan(number, send, cancel)

    def warm(self) -> None:
        self.warmed.set()
        raise RuntimeError("getting ready failed")

    def forget(self) -> None:
        self.forgot += 1


class Talk:
    """A server in threads of this process, and the client's ends of its pipes."""

    def __init__(self, worker: Scripted, log: Path | None = None, make: Callable[[], Any] | None = None) -> None:
        requests, self._write = os.pipe()
        self._answers, replies = os.pipe()
        self.left = threading.Event()
        self.answers: queue.Queue[Any] = queue.Queue()
        about = About(lambda: "cpu", "a model", log)
        pipes = os.fdopen(requests, "rb"), os.fdopen(replies, "wb")
        self.server = Server(*pipes, make or (lambda: worker), about, lambda code: self.left.set())
        for job in (self.server.serve, self._listen):
            threading.Thread(target=job, daemon=True).start()

    def _listen(self) -> None:
        with os.fdopen(self._answers, "rb") as stream:
            for line in stream:
                self.answers.put(parse_answer(line.decode()))

    def raw(self, line: bytes) -> None:
        os.write(self._write, line + b"\n")

    def send(self, number: int, request: Request) -> None:
        self.raw(request_line(number, request).encode())

    def hear(self, timeout: float = 10.0) -> Any:
        """The next answer, heartbeats left out."""
        while True:
            answer = self.answers.get(timeout=timeout)
            if not isinstance(answer, HeartbeatEvent):
                return answer

    def ask(self, number: int, request: Request) -> Any:
        self.send(number, request)
        return self.reply(number, request)

    def reply(self, number: int, request: Request) -> Any:
        reply = self.hear()
        assert isinstance(reply, Reply)
        assert reply.id == number
        return reply.outcome if isinstance(reply.outcome, Failure) else parse_result(request, reply.outcome)

    def end(self) -> None:
        os.close(self._write)


@pytest.fixture
def worker() -> Scripted:
    return Scripted()


@pytest.fixture
def talk(worker: Scripted, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    monkeypatch.setattr(server_module, "HEARTBEAT_SECONDS", 0.05)
    made = Talk(worker, Path("worker.log"))
    assert isinstance(made.hear(), ReadyEvent)
    yield made
    made.server._stop.set()
    made.server._waiting.put(None)


@pytest.fixture
def greeted(talk: Talk) -> Talk:
    assert isinstance(talk.ask(1, HELLO), HelloResult)
    return talk


def test_the_handshake(talk: Talk) -> None:
    result = talk.ask(1, HELLO)
    assert result == HelloResult(PROTOCOL_VERSION, splatcut.__version__, "cpu", "a model", os.getpid(), "worker.log")


@pytest.mark.parametrize(("protocol", "version"), [(PROTOCOL_VERSION + 1, splatcut.__version__), (1, "0.0.1")])
def test_another_version_is_refused(talk: Talk, worker: Scripted, protocol: int, version: str) -> None:
    failure = talk.ask(1, Hello(protocol, version))
    assert failure.kind == "version"
    assert f"SplatCut {version} (protocol {protocol})" in failure.message
    assert f"SplatCut {splatcut.__version__} (protocol {PROTOCOL_VERSION})" in failure.message
    assert talk.ask(2, CONVERT).kind == "version"
    assert worker.done == []
    assert isinstance(talk.ask(3, HELLO), HelloResult)  # a client may try again


def test_nothing_is_done_without_a_handshake(talk: Talk, worker: Scripted) -> None:
    failure = talk.ask(1, CONVERT)
    assert (failure.kind, worker.done) == ("version", [])
    assert "hello" in failure.message


def test_a_device_that_cannot_be_used(worker: Scripted) -> None:
    def device() -> str:
        raise UserError("CUDA was requested but cannot be used.")

    talk = Talk(worker)
    talk.server._about = About(device, "a model")
    assert isinstance(talk.hear(), ReadyEvent)
    assert talk.ask(1, HELLO) == Failure("user", "CUDA was requested but cannot be used.")


def test_requests_are_done_in_order(greeted: Talk, worker: Scripted) -> None:
    for number in range(2, 8):
        greeted.send(number, CONVERT)
    for number in range(2, 8):
        assert greeted.reply(number, CONVERT) == ConvertResult(1)
    assert worker.done == list(range(2, 8))


GARBAGE = [
    b"garbage",
    b"{",
    b'{"op": "convert"}',
    b"[]",
    b"\xff\xfe",
    b"null",
    b'{"id": 1e400, "op": "hello"}',
    b"[" * 50000,
]


@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused_and_forgotten(greeted: Talk, line: bytes) -> None:
    greeted.raw(b"")
    greeted.raw(line)
    reply = greeted.hear()
    assert isinstance(reply.outcome, Failure)
    assert (reply.id, reply.outcome.kind) == (None, "user")
    assert greeted.ask(5, CONVERT) == ConvertResult(1)


def test_bad_requests_keep_their_number(greeted: Talk) -> None:
    greeted.raw(b'{"id": 44, "op": "dance"}')
    reply = greeted.hear()
    assert reply.id == 44
    assert "no operation 'dance'" in reply.outcome.message


def waits(seconds: float = 30.0) -> Callable[..., Result]:
    """Work that looks every hundredth of a second whether it should stop."""

    def plan(number: int, send: Callable[[Event], None], cancel: threading.Event) -> Result:
        send(LogEvent(number, "It has begun."))
        if cancel.wait(seconds):
            raise Cancelled("The work was cancelled.")
        return EncodeResult(1)

    return plan


def test_cancelling_what_runs_and_what_waits(greeted: Talk, worker: Scripted) -> None:
    worker.plan = waits()
    greeted.send(2, Encode(("a",)))
    assert isinstance(greeted.hear(), LogEvent)
    greeted.send(3, CONVERT)
    greeted.send(4, Cancel(3))
    answers = [greeted.hear(), greeted.hear()]  # the waiting one does not wait for the other
    assert {answer.id for answer in answers} == {3, 4}
    assert next(answer for answer in answers if answer.id == 3).outcome.kind == "cancelled"
    began = time.monotonic()
    greeted.send(5, Cancel(2))
    answers = [greeted.hear(), greeted.hear()]
    assert time.monotonic() - began < 1.0
    assert {answer.id for answer in answers} == {2, 5}
    assert greeted.ask(6, Cancel(2)) == CancelResult(False)
    assert greeted.ask(7, Cancel(99)) == CancelResult(False)
    worker.plan = lambda *_: ConvertResult(3)
    assert greeted.ask(8, CONVERT) == ConvertResult(3)
    assert worker.done == [2, 8]


def test_work_that_does_not_look_is_answered_for(greeted: Talk, worker: Scripted) -> None:
    """As native code that takes its time: the reply comes within a second, the late result is dropped."""
    finish = threading.Event()

    def deaf(number: int, send: Callable[[Event], None], cancel: threading.Event) -> Result:
        send(LogEvent(number, "It has begun."))
        finish.wait(10)
        send(LogEvent(number, "Nobody is to hear this."))
        return ConvertResult(1)

    worker.plan = deaf
    greeted.send(2, CONVERT)
    assert isinstance(greeted.hear(), LogEvent)
    began = time.monotonic()
    assert greeted.ask(3, Cancel(2)) == CancelResult(True)
    failure = greeted.reply(2, CONVERT)
    assert failure.kind == "cancelled"
    assert time.monotonic() - began < 1.0
    worker.plan = lambda *_: ConvertResult(5)
    greeted.send(4, CONVERT)
    finish.set()
    assert greeted.reply(4, CONVERT) == ConvertResult(5)


ERRORS: list[tuple[Exception, str, str]] = [
    (UserError("The scene is empty."), "user", "The scene is empty."),
    (MemoryError(), "memory", "SplatCut ran out of memory."),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "memory", "SplatCut ran out of memory."),
    (RuntimeError("CUDA out of memory. Tried to allocate"), "memory", "SplatCut ran out of memory."),
    (OSError(errno.ENOSPC, "No space left on device"), "user", "The disk is full."),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory", "SplatCut ran out of memory."),
    (PermissionError(errno.EACCES, "Permission denied", "x.ply"), "user", "x.ply cannot be read or written"),
    (ZeroDivisionError("division by zero"), "internal", "ZeroDivisionError: division by zero"),
]


@pytest.mark.parametrize(
    ("error", "kind", "message"), ERRORS, ids=[type(e[0]).__name__ + str(i) for i, e in enumerate(ERRORS)]
)
def test_failures_are_sentences_and_the_worker_lives_on(
    greeted: Talk, worker: Scripted, error: Exception, kind: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> Result:
        raise error

    worker.plan = fail
    failure = greeted.ask(2, CONVERT)
    assert (failure.kind, failure.log) == (kind, "worker.log")
    assert message in failure.message
    assert failure.message.endswith(".")
    if kind == "internal":
        assert "worker.log" in failure.message
        assert "Traceback" in capsys.readouterr().err
    assert worker.forgot == (kind == "memory")
    worker.plan = lambda *_: ConvertResult(2)
    assert greeted.ask(3, CONVERT) == ConvertResult(2)


def test_a_worker_that_cannot_be_made_says_so_each_time(worker: Scripted) -> None:
    attempts: list[int] = []

    def make() -> Scripted:
        attempts.append(1)
        if len(attempts) < 3:
            raise UserError("scipy is missing.")
        return worker

    talk = Talk(worker, make=make)
    assert isinstance(talk.hear(), ReadyEvent)
    assert isinstance(talk.ask(1, HELLO), HelloResult)
    assert talk.ask(2, CONVERT) == Failure("user", "scipy is missing.")
    assert talk.ask(3, CONVERT) in (Failure("user", "scipy is missing."), ConvertResult(1))
    assert talk.ask(4, CONVERT) == ConvertResult(1)


def test_two_open_requests_of_one_number(greeted: Talk, worker: Scripted) -> None:
    worker.plan = waits()
    greeted.send(2, CONVERT)
    assert isinstance(greeted.hear(), LogEvent)
    failure = greeted.ask(2, CONVERT)
    assert "the number 2 already" in failure.message
    greeted.send(3, Cancel(2))
    assert {greeted.hear().id, greeted.hear().id} == {2, 3}


def test_heartbeats_say_what_is_being_done(greeted: Talk, worker: Scripted) -> None:
    worker.plan = waits()
    greeted.send(2, CONVERT)
    busy = []
    end = time.monotonic() + 5
    while time.monotonic() < end and 2 not in busy:
        answer = greeted.answers.get(timeout=5)
        if isinstance(answer, HeartbeatEvent):
            busy.append(answer.busy)
            assert answer.rss >= 0
    assert 2 in busy
    greeted.send(3, Cancel(2))


def test_idle_workers_get_ready_and_survive_failing_at_it(greeted: Talk, worker: Scripted) -> None:
    assert worker.warmed.wait(5)
    assert greeted.ask(2, CONVERT) == ConvertResult(1)


def test_shutdown_and_the_end_of_the_input(worker: Scripted) -> None:
    for how in ("shutdown", "end"):
        talk = Talk(worker)
        assert isinstance(talk.hear(), ReadyEvent)
        worker.plan = waits()
        talk.ask(1, HELLO)
        talk.send(2, CONVERT)
        assert isinstance(talk.hear(), LogEvent)
        if how == "shutdown":
            assert talk.ask(3, Shutdown()) == ShutdownResult()
        else:
            talk.end()
        assert talk.left.wait(1.0), how


def test_a_reader_that_went_away_ends_the_worker(worker: Scripted) -> None:
    left, stream = threading.Event(), io.BytesIO()
    server = Server(io.BytesIO(), stream, lambda: worker, About(lambda: "cpu", "a model"), lambda code: left.set())
    server._write("one")
    assert stream.getvalue() == b"one\n"
    stream.close()
    server._write("two")
    assert left.is_set()
