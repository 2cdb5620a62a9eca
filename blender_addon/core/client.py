# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker as Blender sees it: a child process that is asked, watched, and reported on in sentences.

Threads read, write and log; nothing but ``poll`` calls anything of the caller's, so that it all happens on the thread
that polls. Whatever the worker does (dies, hangs, floods its outputs, talks nonsense), every request gets one outcome.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.messages import lines
from splatcut.messages import worker as messages

from . import problems
from .problems import Limits, Outcome, Problem
from .process import Child

_log = logging.getLogger(__name__)

# A longer line is no message.
_LONGEST_LINE = 1 << 26
# Messages that one poll hands out: a flood must not hold up Blender.
_AT_ONCE = 500

OnReply = Callable[[Outcome], None]
OnEvent = Callable[[messages.Event], None]


@dataclass
class _Pending:
    request: messages.Request
    on_reply: OnReply | None
    on_event: OnEvent | None
    line: str
    cancelled_at: float | None = None


class WorkerClient:
    """One worker process. It is started at once; requests wait until it has shown to be of our version.

    Args:
        command: the process and its arguments.
        log: file for everything that the worker writes besides messages; its folder is made.
        version: of the engine that Blender has.

    Attributes:
        hello: who answers, once that is known.
        problem: why the worker is gone, once it is. No request is taken then: make a new client.
        rss: bytes of memory that the worker holds.
    """

    def __init__(self, command: Sequence[str], log: Path, version: str, limits: Limits | None = None) -> None:
        self.log = log
        self.version = version
        self.limits = limits or Limits()
        self.hello: messages.HelloResult | None = None
        self.problem: Problem | None = None
        self.rss = 0
        self._answers: queue.SimpleQueue[messages.Reply | messages.Event | Problem | None] = queue.SimpleQueue()
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._pending: dict[int, _Pending] = {}
        self._next = 1
        self._polling = False
        self._ended = False  # the reader has seen the end of the worker's output
        now = time.monotonic()
        self._started = self._polled = self._sign = now
        self._child: Child | None = None
        try:
            self._child = Child(command, log)
        except OSError as error:
            self.problem = problems.no_start(command[0], error)
            return
        threading.Thread(target=self._write, args=(self._child,), daemon=True, name="splatcut-write").start()
        threading.Thread(target=self._read, args=(self._child,), daemon=True, name="splatcut-read").start()
        self._hello = self._add(messages.Hello(messages.PROTOCOL_VERSION, version), self._greeted, None)
        self._lines.put(self._pending[self._hello].line)

    # ------------------------------------------------------------------------------------------------ for the caller

    @property
    def alive(self) -> bool:
        """Whether requests are taken."""
        return self.problem is None

    @property
    def waiting(self) -> tuple[int, ...]:
        """Numbers of the caller's requests that have no outcome yet."""
        return tuple(number for number, item in self._pending.items() if not isinstance(item.request, messages.Hello))

    def request(
        self, request: messages.Request, on_reply: OnReply | None = None, on_event: OnEvent | None = None
    ) -> int:
        """Sends a request; returns its number. The callbacks are called by ``poll``, exactly one ``on_reply`` each."""
        number = self._add(request, on_reply, on_event)
        if self.problem is None and self.hello is not None:
            self._lines.put(self._pending[number].line)
        return number

    def cancel(self, number: int) -> None:
        """Asks to stop a request; its outcome is then "cancelled". A worker that does not obey is ended."""
        pending = self._pending.get(number)
        if pending is None or pending.cancelled_at is not None:
            return
        if self.hello is None:  # it was never sent
            self._settle(number, Outcome(problem=Problem("cancelled", "Stopped.", self.log)))
        elif self.problem is None:
            pending.cancelled_at = time.monotonic()
            self.request(messages.Cancel(number))

    def poll(self) -> None:
        """Hands out what has arrived and looks whether the worker lives. Never raises; cheap when there is nothing."""
        if self._polling:  # a callback that waits for another request
            self._dispatch()
            return
        self._polling = True
        try:
            self._dispatch()
            self._watch()
        finally:
            self._polling = False

    def close(self, patience: float = 1.0) -> None:
        """Ends the worker; requests without an outcome get "cancelled"."""
        if self._child is not None and self._child.running and self.hello is not None:
            self._lines.put(lines.request_line(self._next, messages.Shutdown()))
        self._lines.put(None)
        if self._child is not None:
            self._child.end(patience)
        self._fail(Problem("cancelled", "The engine was stopped.", self.log))

    # ---------------------------------------------------------------------------------------------- on the poll thread

    def _add(self, request: messages.Request, on_reply: OnReply | None, on_event: OnEvent | None) -> int:
        number, self._next = self._next, self._next + 1
        self._pending[number] = _Pending(request, on_reply, on_event, lines.request_line(number, request))
        return number

    def _dispatch(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                answer = self._answers.get_nowait()
            except queue.Empty:
                return
            if answer is None:
                self._ended = True
            elif isinstance(answer, Problem):
                self._die(answer)
            elif isinstance(answer, messages.Reply):
                self._reply(answer)
            else:
                self._event(answer)

    def _reply(self, reply: messages.Reply) -> None:
        pending = self._pending.get(reply.id) if reply.id is not None else None
        if pending is None or reply.id is None:
            return
        if isinstance(reply.outcome, messages.Failure):
            failure = reply.outcome
            log = Path(failure.log) if failure.log else self.log
            self._settle(reply.id, Outcome(problem=Problem(failure.kind, failure.message, log)))
            return
        try:
            outcome = Outcome(lines.parse_result(pending.request, reply.outcome))
        except UserError as error:
            outcome = Outcome(problem=Problem("internal", f"The engine's answer cannot be read. {error}", self.log))
        self._settle(reply.id, outcome)

    def _event(self, event: messages.Event) -> None:
        if isinstance(event, messages.HeartbeatEvent):
            self.rss = event.rss
        pending = self._pending.get(event.id) if event.id is not None else None
        if pending is not None and pending.on_event is not None:
            _call(pending.on_event, event)

    def _greeted(self, outcome: Outcome) -> None:
        if self.problem is not None:
            return
        if outcome.problem is not None:
            kind = "version" if outcome.problem.kind == "version" else "start"
            self._die(Problem(kind, outcome.problem.message, outcome.problem.log))
            return
        hello: messages.HelloResult = outcome.result
        problem = problems.version(hello.protocol, hello.version, self.version, self.log)
        if problem is not None:
            self._die(problem)
            return
        self.hello = hello
        for pending in self._pending.values():
            self._lines.put(pending.line)

    def _watch(self) -> None:
        """Ends a worker that gives no sign of life, and tells when one has ended."""
        if self.problem is not None:
            if self._pending:
                self._fail(self.problem)
            return
        now = time.monotonic()
        if now - self._polled > 5.0:
            # Nobody polled, or the machine slept: what came meanwhile may still lie in the pipe.
            self._sign = max(self._sign, now)
        self._polled = now
        child = self._child
        assert child is not None
        if self._ended or not child.running:
            if not self._ended and child.ended_for() < 2.0:
                return  # its last words are still being read
            self._dispatch()
            code = child.wait(2.0)
            if code is None:
                child.kill()
            self._die(problems.ended(code, self.log, started=self.hello is not None))
        elif self.hello is None and now - self._started > self.limits.start:
            self._die(problems.slow_start(self.limits.start, self.log))
        elif self.hello is not None and now - self._sign > self.limits.silence:
            self._die(problems.silence(self.limits.silence, self.log))
        else:
            self._watch_cancelled(now)

    def _watch_cancelled(self, now: float) -> None:
        for pending in self._pending.values():
            if pending.cancelled_at is not None and now - pending.cancelled_at > self.limits.cancel:
                self._die(
                    Problem("cancelled", "The engine did not stop when asked to, so its process was ended.", self.log)
                )
                return

    def _die(self, problem: Problem) -> None:
        if self.problem is None:
            self.problem = problem
        self._lines.put(None)
        if self._child is not None:
            self._child.kill()
        self._fail(self.problem)

    def _fail(self, problem: Problem) -> None:
        if self.problem is None:
            self.problem = problem
        for number in list(self._pending):
            if number in self._pending:
                self._settle(number, Outcome(problem=problem))

    def _settle(self, number: int, outcome: Outcome) -> None:
        pending = self._pending.pop(number)
        if pending.on_reply is not None:
            _call(pending.on_reply, outcome)

    # ------------------------------------------------------------------------------------------------ on other threads

    def _write(self, child: Child) -> None:
        # A worker that does not read fills the pipe; then only this thread waits.
        while (line := self._lines.get()) is not None:
            if not child.send(line):
                break
        child.close_input()

    def _read(self, child: Child) -> None:
        while True:
            line = child.read_line(_LONGEST_LINE)
            if not line:
                break
            if len(line) >= _LONGEST_LINE:
                self._answers.put(
                    Problem("died", f"The engine sent an invalid message and was stopped. See {self.log}.", self.log)
                )
                break
            self._take(line, child)
        self._answers.put(None)

    def _take(self, line: bytes, child: Child) -> None:
        text = line.decode("utf-8", "replace")
        if not text.strip():
            return
        try:
            answer = lines.parse_answer(text)
        except UserError as error:
            document: Any = None
            with contextlib.suppress(ValueError, RecursionError):
                document = json.loads(text)
            problem = self._foreign(document)
            if problem is not None:
                self._answers.put(problem)
            else:
                child.log(f"[not a message: {error}] {text[:2000].rstrip()}\n".encode("utf-8", "replace"))
            return
        self._sign = time.monotonic()
        if isinstance(answer, messages.ReadyEvent) and (
            problem := problems.version(answer.protocol, answer.version, self.version, self.log)
        ):
            self._answers.put(problem)
        else:
            self._answers.put(answer)

    def _foreign(self, document: Any) -> Problem | None:
        """The problem with a greeting of another version, which may well look different from ours."""
        if not isinstance(document, dict) or self.hello is not None:
            return None
        said = document.get("result") if document.get("id") == 1 else document
        if isinstance(said, dict) and "protocol" in said and "version" in said:
            return problems.version(said["protocol"], said["version"], self.version, self.log)
        return None


def _call(callback: Callable[[Any], None], argument: Any) -> None:
    """A fault in what the caller does with an answer must not stop the pump."""
    try:
        callback(argument)
    except Exception:
        _log.exception("What was to be done with the engine's answer failed.")
