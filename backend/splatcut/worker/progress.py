# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where a request is, told as events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from splatcut.messages.worker import Event, LogEvent, ProgressEvent
from splatcut.progress import Course, Part, Quiet


class Reporter(Quiet):
    """Reports a request's progress as events; every call raises ``Cancelled`` once ``cancel`` is set.

    Args:
        number: the request; send: takes events; plan: its parts in order.
    """

    #: Seconds between two events of one part, at least.
    EVERY = 0.1

    def __init__(
        self,
        number: int,
        send: Callable[[Event], None],
        cancel: threading.Event,
        plan: Sequence[Part],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(cancel)
        self.number, self.send, self._clock = number, send, clock
        self._course = Course(plan, clock)
        self._told = -1e9

    def stage(self, name: str, total: int) -> None:
        self.check()
        self._course.stage(name, total)
        self._tell(force=True)

    def step(self, count: int = 1) -> None:
        self.check()
        self._course.step(count)
        self._tell(force=self._course.done == self._course.total)

    def log(self, message: str) -> None:
        self.check()
        self.send(LogEvent(self.number, message))

    def _tell(self, force: bool) -> None:
        now = self._clock()
        if not force and now - self._told < self.EVERY:
            return
        self._told = now
        at = self._course
        self.send(ProgressEvent(self.number, at.name, at.number, at.parts, at.done, at.total, at.fraction(), at.left()))
