# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The worker's ends of the pipes: what a library prints must never end up between two messages."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


class Lines:
    """Writes whole lines from any thread.

    Args:
        stream: unbuffered or not; every line is flushed.
        lost: called when nobody reads any more.
    """

    def __init__(self, stream: BinaryIO, lost: Callable[[], None]) -> None:
        self._stream, self._lost = stream, lost
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        """Writes a line, which must not have an end yet."""
        try:
            with self._lock:
                self._stream.write(line.encode("utf-8") + b"\n")
                self._stream.flush()
        except (OSError, ValueError):  # a closed stream is a ValueError
            self._lost()


def take_pipes(log: Path | None) -> tuple[BinaryIO, BinaryIO]:
    """(requests, replies): standard input and output for the protocol alone.

    From here on whatever reads standard input finds it empty, and whatever prints, also in native code, prints to
    standard error, which goes to the end of ``log`` where one is given. Raises ``OSError`` when it cannot be opened.
    """
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(file, 2)
        os.close(file)
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stderr
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")
