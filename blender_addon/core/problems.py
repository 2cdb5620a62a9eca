# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a request to the worker can end, and the sentences for what can go wrong with the worker itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splatcut.messages import worker as messages

from .process import ended_because

#: Seconds without any sign of life after which a worker is taken for dead. It gives one every second, except while
#: kernels are compiled the first time: that keeps Python for some ten seconds of CPU time, longer on a busy machine.
SILENCE_SECONDS = 60.0
#: Seconds that a worker may take to start. The first start reads hundreds of megabytes from the disk.
START_SECONDS = 90.0
#: Seconds after which a cancelled request that still gives no reply costs the worker its life.
CANCEL_SECONDS = 10.0


@dataclass(frozen=True)
class Problem:
    """Why a request was not fulfilled.

    Attributes:
        kind: as in ``messages.Failure`` ("user", "cancelled", "version", "memory", "internal"), or "died" (the worker
            ended or went silent) or "start" (it could not be started).
        message: full sentences for the user, which say what to do.
        log: the worker's log file.
    """

    kind: str
    message: str
    log: Path | None = None

    @property
    def lost_worker(self) -> bool:
        """Whether the worker is gone, so that the next request needs a new one."""
        return self.kind in ("died", "start", "version")


@dataclass(frozen=True)
class Outcome:
    """The end of a request: its result (``messages.PreviewResult`` for ``Preview`` and so on) or a problem."""

    result: Any = None
    problem: Problem | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None


@dataclass(frozen=True)
class Limits:
    """Seconds of patience: see the constants of this module."""

    silence: float = SILENCE_SECONDS
    start: float = START_SECONDS
    cancel: float = CANCEL_SECONDS


def no_start(program: str, error: OSError) -> Problem:
    """The process could not be made."""
    if isinstance(error, FileNotFoundError):
        return Problem(
            "start",
            f"The engine cannot be started: {program} does not exist. Create the environment in the extension's "
            "preferences, or choose another interpreter there.",
        )
    return Problem(
        "start",
        f"The engine cannot be started: {program} ({error.strerror or error}). Check the interpreter in the "
        "extension's preferences.",
    )


def version(protocol: object, theirs: object, ours: str, log: Path) -> Problem | None:
    """The worker is of another version; None when it is not."""
    if (protocol, theirs) == (messages.PROTOCOL_VERSION, ours):
        return None
    return Problem(
        "version",
        f"The engine in the environment is SplatCut {theirs} (protocol {protocol}), but this extension is SplatCut "
        f"{ours} (protocol {messages.PROTOCOL_VERSION}). Create the environment again in the extension's preferences.",
        log,
    )


def ended(code: int | None, log: Path, *, started: bool) -> Problem:
    """The worker's process has ended with ``code``, after or before it had said who it is."""
    why = ended_because(code)
    if not started:
        return Problem(
            "start",
            f"The engine could not start: it {why}. Test the environment in the extension's preferences, or create it "
            f"again. The log is {log}.",
            log,
        )
    return Problem(
        "died",
        f"The engine stopped unexpectedly: it {why}. Your prompts and objects are unchanged; try again to restart it. "
        f"The log is {log}.",
        log,
    )


def slow_start(seconds: float, log: Path) -> Problem:
    """The worker has not said who it is."""
    return Problem(
        "start",
        f"The engine did not respond within {seconds:.0f} s of starting and was stopped. Test the environment in the "
        f"extension's preferences. The log is {log}.",
        log,
    )


def silence(seconds: float, log: Path) -> Problem:
    """The worker gives no sign of life any more."""
    return Problem(
        "died",
        f"The engine gave no sign of life for {seconds:.0f} s and was stopped. Your prompts and objects are "
        f"unchanged; try again to restart it. The log is {log}.",
        log,
    )
