# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Progress and cancellation: how long work tells where it is and learns that it should stop."""

from __future__ import annotations

import sys
import threading
from typing import Any, Protocol

from tqdm import tqdm

from splatcut.errors import Cancelled


class Progress(Protocol):
    """What a stage reports to. Every call may raise ``Cancelled``."""

    def stage(self, name: str, total: int) -> None:
        """A stage with ``total`` steps begins."""

    def step(self, count: int = 1) -> None:
        """``count`` more steps of the stage are done."""

    def log(self, message: str) -> None:
        """Something the user should read: one full sentence."""


class Quiet:
    """Reports nothing; stops when ``cancel`` is set."""

    def __init__(self, cancel: threading.Event | None = None) -> None:
        self._cancel = cancel

    def _check(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise Cancelled("The work was cancelled.")

    def stage(self, name: str, total: int) -> None:
        self._check()

    def step(self, count: int = 1) -> None:
        self._check()

    def log(self, message: str) -> None:
        self._check()


class Terminal(Quiet):
    """A progress bar per stage on standard error, named after the stage."""

    def __init__(self, cancel: threading.Event | None = None) -> None:
        super().__init__(cancel)
        self._bar: tqdm[Any] | None = None

    def stage(self, name: str, total: int) -> None:
        super().stage(name, total)
        self.close()
        self._bar = tqdm(total=total, desc=f"{name:<12}", file=sys.stderr, dynamic_ncols=True, leave=True)

    def step(self, count: int = 1) -> None:
        super().step(count)
        if self._bar is not None:
            self._bar.update(count)

    def log(self, message: str) -> None:
        super().log(message)
        tqdm.write(message, file=sys.stderr)

    def close(self) -> None:
        """Ends the current bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
