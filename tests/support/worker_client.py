# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A worker in a process of its own, and talking to it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import splatcut
from splatcut.messages import lines, worker

_BACKEND = str(Path(splatcut.__file__).parents[1])


class WorkerProcess:
    """A running worker.

    Args:
        command: what comes after the interpreter, ``["-m", "splatcut"]`` or a script.
        arguments: of ``splatcut worker``.
        environment: variables besides the process's own.
    """

    def __init__(
        self, command: Sequence[str], arguments: Sequence[object] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        path = os.pathsep.join([_BACKEND, str(Path(__file__).parent)])
        self.process = subprocess.Popen(
            [sys.executable, *command, *(str(item) for item in arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "NUMBA_NUM_THREADS": "1", "PYTHONPATH": path, **(environment or {})},
        )
        self.lines: list[str] = []
        self.said: list[bytes] = []
        self.events: list[worker.Event] = []
        self._answers: queue.Queue[worker.Reply | worker.Event | None] = queue.Queue()
        self._number = 0
        self._requests: dict[int, worker.Request] = {}
        for job in (self._read, self._hear):
            threading.Thread(target=job, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            line = raw.decode("utf-8")
            self.lines.append(line)
            self._answers.put(lines.parse_answer(line))
        self._answers.put(None)

    def _hear(self) -> None:
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            self.said.append(raw)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait(10)

    def raw(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def send(self, request: worker.Request) -> int:
        self._number += 1
        self._requests[self._number] = request
        self.raw(lines.request_line(self._number, request).encode() + b"\n")
        return self._number

    def next(self, timeout: float = 60.0) -> worker.Reply | worker.Event:
        """The next reply or event. Fails when the worker has ended or says nothing."""
        answer = self._answers.get(timeout=timeout)
        assert answer is not None, f"the worker ended: {b''.join(self.said).decode()}"
        if not isinstance(answer, worker.Reply):
            self.events.append(answer)
        return answer

    def reply(self, number: int | None, timeout: float = 120.0) -> worker.Reply:
        """The reply to a request; events before it are kept in ``events``."""
        end = time.monotonic() + timeout
        while True:
            answer = self.next(max(0.01, end - time.monotonic()))
            if isinstance(answer, worker.Reply):
                assert answer.id == number, answer
                return answer

    def outcome(self, number: int, timeout: float = 120.0) -> Any:
        """The result, or the failure, of a request."""
        reply = self.reply(number, timeout)
        if isinstance(reply.outcome, worker.Failure):
            return reply.outcome
        return lines.parse_result(self._requests[number], reply.outcome)

    def ask(self, request: worker.Request, timeout: float = 120.0) -> Any:
        return self.outcome(self.send(request), timeout)

    def greet(self) -> worker.HelloResult:
        return self.ask(worker.Hello(worker.PROTOCOL_VERSION, splatcut.__version__))

    def until_stage(self, stage: str, timeout: float = 120.0) -> None:
        """Waits for progress in a stage."""
        end = time.monotonic() + timeout
        while True:
            answer = self.next(max(0.01, end - time.monotonic()))
            assert not isinstance(answer, worker.Reply), answer
            if isinstance(answer, worker.ProgressEvent) and answer.stage == stage:
                return

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]
