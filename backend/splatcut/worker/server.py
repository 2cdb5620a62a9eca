# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The worker's loop: requests in, replies and events out.

One thread reads and answers what is answered at once, one does the work in the order it came, one shows that the
worker lives. When the input ends, whoever started the worker is gone, and it ends as well, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import splatcut
from splatcut.errors import MEMORY_SENTENCE, Cancelled, UserError, is_memory_problem, user_sentence
from splatcut.messages.lines import event_line, parse_request, reply_line, request_id
from splatcut.messages.results import Result
from splatcut.messages.worker import (
    HEARTBEAT_SECONDS,
    PROTOCOL_VERSION,
    Cancel,
    CancelResult,
    ErrorKind,
    Event,
    Failure,
    HeartbeatEvent,
    Hello,
    HelloResult,
    ReadyEvent,
    Request,
    Shutdown,
    ShutdownResult,
)

if TYPE_CHECKING:
    from splatcut.worker.session import Session

#: Seconds after which a cancelled request is answered even if its work has not come to a stop yet.
PATIENCE = 0.7
#: Seconds without a request after which the worker gets ready for the first click.
IDLE = 0.3
#: A longer line is no request.
MAX_LINE = 64 << 20


@dataclass(eq=False)
class _Task:
    """A request that takes time. ``answered`` is set, under the server's lock, by whoever answers it."""

    number: int
    request: Request
    cancel: threading.Event = field(default_factory=threading.Event)
    answered: bool = False


@dataclass(frozen=True)
class About:
    """What ``hello`` is told: the device (found out when asked for), the 2D model's name and the log file."""

    device: Callable[[], str]
    model: str
    log: Path | None = None


class Server:
    """Serves one client until its input ends.

    Args:
        requests, replies: where requests come from and lines go to.
        make_worker: makes what does the work, on the thread that works; it may take a while.
        leave: ends the process.
    """

    def __init__(
        self,
        requests: BinaryIO,
        replies: BinaryIO,
        make_worker: Callable[[], Session],
        about: About,
        leave: Callable[[int], None] = os._exit,
    ) -> None:
        self._requests, self._replies, self._make_worker, self._about = requests, replies, make_worker, about
        self._leave = leave
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._waiting: queue.Queue[_Task | None] = queue.Queue()
        self._open: dict[int, _Task] = {}
        self._busy: int | None = None
        self._greeted = False
        self._stop = threading.Event()

    def serve(self) -> None:
        """Works until ``shutdown`` or the end of the input; the input's end leaves the process at once."""
        self._send(ReadyEvent(PROTOCOL_VERSION, splatcut.__version__, os.getpid()))
        for job in (self._read, self._beat):
            threading.Thread(target=job, name=job.__name__.strip("_"), daemon=True).start()
        worker: Session | None = None
        warm = False
        while True:
            try:
                task = self._waiting.get(timeout=None if warm else IDLE)
            except queue.Empty:
                # Nobody is waiting: the time is used for what the first click would wait for.
                warm = True
                with _unmissed():
                    worker = worker or self._make_worker()
                    worker.warm()
                continue
            if task is None:
                return
            with self._lock:
                if task.answered:
                    continue
                self._busy = task.number
            try:
                worker = worker or self._make_worker()
                result = worker.work(task.number, task.request, self._sender(task), task.cancel)
                self._answer(task, result)
            except BaseException as error:
                if is_memory_problem(error) and worker is not None:
                    with _unmissed():
                        worker.forget()
                self._answer(task, self._failure(error))
            finally:
                self._busy = None

    # ---------------------------------------------------------------------------------------------- reading

    def _read(self) -> None:
        try:
            while line := self._requests.readline(MAX_LINE):
                if line.strip():
                    try:
                        self._take(line)
                    except BaseException as error:  # nothing that is sent may stop the reading
                        self._reply(None, self._failure(error))
        finally:
            self._leave(0)

    def _take(self, raw: bytes) -> None:
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError("A request must be one line of UTF-8 text.") from error
        try:
            number, request = parse_request(line)
        except UserError as error:
            self._refuse(request_id(line), str(error))
            return
        if isinstance(request, Hello):
            self._greet(number, request)
        elif not self._greeted and not isinstance(request, Shutdown):
            text = "The first message must be hello, with the version of the extension. It was not, or was refused."
            self._refuse(number, text, "version")
        elif isinstance(request, Cancel):
            self._reply(number, CancelResult(self._cancel(request.target)))
        elif isinstance(request, Shutdown):
            self._reply(number, ShutdownResult())
            self._leave(0)
        else:
            self._queue(_Task(number, request))

    def _queue(self, task: _Task) -> None:
        with self._lock:
            known = task.number in self._open
            if not known:
                self._open[task.number] = task
        if known:
            self._refuse(task.number, f"There is an unanswered request with the number {task.number} already.")
        else:
            self._waiting.put(task)

    def _greet(self, number: int, hello: Hello) -> None:
        own = splatcut.__version__
        self._greeted = (hello.protocol, hello.version) == (PROTOCOL_VERSION, own)
        if not self._greeted:
            problem = (
                f"The extension in Blender and the worker have different versions: SplatCut {hello.version} (protocol "
                f"{hello.protocol}) talks to a worker of SplatCut {own} (protocol {PROTOCOL_VERSION}). Recreate the "
                "worker's environment in the extension's preferences."
            )
            self._refuse(number, problem, "version")
            return
        try:
            device = self._about.device()
        except BaseException as error:
            self._reply(number, self._failure(error))
            return
        self._reply(number, HelloResult(PROTOCOL_VERSION, own, device, self._about.model, os.getpid(), self._log))

    def _cancel(self, target: int) -> bool:
        with self._lock:
            task = self._open.get(target)
            running = task is not None and self._busy == target
        if task is None:
            return False
        task.cancel.set()
        if running:
            # Native code cannot be interrupted. Whoever asked is not kept waiting for it; its result is dropped.
            late = threading.Timer(PATIENCE, self._answer, (task, self._failure(Cancelled())))
            late.daemon = True
            late.start()
        else:
            self._answer(task, self._failure(Cancelled()))
        return True

    # ---------------------------------------------------------------------------------------------- answering

    @property
    def _log(self) -> str | None:
        return None if self._about.log is None else os.fspath(self._about.log)

    def _write(self, line: str) -> None:
        """Writes a whole line, from any thread; leaves when nobody reads any more."""
        try:
            with self._writing:
                self._replies.write(line.encode("utf-8") + b"\n")
                self._replies.flush()
        except (OSError, ValueError):  # a closed stream is a ValueError
            self._leave(0)

    def _send(self, event: Event) -> None:
        self._write(event_line(event))

    def _sender(self, task: _Task) -> Callable[[Event], None]:
        """Sends a task's events, until it is answered."""

        def send(event: Event) -> None:
            if not task.answered:
                self._send(event)

        return send

    def _answer(self, task: _Task, outcome: Result | Failure) -> None:
        """Answers a request, unless it was answered before."""
        with self._lock:
            if task.answered:
                return
            task.answered = True
            self._open.pop(task.number, None)
        self._reply(task.number, outcome)

    def _reply(self, number: int | None, outcome: Result | Failure) -> None:
        self._write(reply_line(number, outcome))

    def _refuse(self, number: int | None, message: str, kind: ErrorKind = "user") -> None:
        self._reply(number, Failure(kind, message, self._log))

    def _failure(self, error: BaseException) -> Failure:
        """What is said about an exception; traces go to the log."""
        if isinstance(error, Cancelled):
            return Failure("cancelled", "The work was cancelled.", self._log)
        if (sentence := user_sentence(error)) is not None:
            return Failure("user", sentence, self._log)
        print(time.strftime("%Y-%m-%d %H:%M:%S"), file=sys.stderr)  # noqa: T201
        traceback.print_exception(error, file=sys.stderr)
        if is_memory_problem(error):
            return Failure("memory", MEMORY_SENTENCE, self._log)
        where = f"Its log is {self._log}." if self._log else "See its log."
        return Failure("internal", f"The engine failed with an internal error ({_short(error)}). {where}", self._log)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            self._send(HeartbeatEvent(self._busy, resident_bytes()))


@contextlib.contextmanager
def _unmissed() -> Iterator[None]:
    """For what may fail without anybody missing it; the log tells."""
    try:
        yield
    except Exception as error:
        traceback.print_exception(error, file=sys.stderr)


def _short(error: BaseException) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 200 else text[:197] + "..."


def resident_bytes() -> int:
    """Memory of this process in bytes, 0 where the system does not tell cheaply."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
