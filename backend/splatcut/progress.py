# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Progress and cancellation: how long work tells where it is and learns that it should stop, and the time left."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Part:
    """A part of some work: its name as it is reported, and its usual share of the work, in any unit."""

    name: str
    weight: float


class Course:
    """Where work is, as one number that only grows, and the time left.

    Parts that are not in the plan, or that come again, count as part of the one before.

    Args:
        plan: the work's parts in order; one that does not come is skipped. Without a plan, the first is all of it.
    """

    #: No estimate of the time left before this many seconds and this share of the work.
    SECONDS, SHARE = 3.0, 0.02

    def __init__(self, plan: Sequence[Part], clock: Callable[[], float] = time.monotonic) -> None:
        self._plan, self._clock = list(plan), clock
        self._weight = sum(part.weight for part in plan) or 1.0
        self._at = -1
        self._inside = False  # the part that runs is the plan's, and its steps count
        self._fraction = 0.0
        self.name, self.done, self.total = "", 0, 0
        self._began = self._entered = clock()

    def stage(self, name: str, total: int) -> None:
        """A part with ``total`` steps begins."""
        if not self._plan:
            self._plan = [Part(name, self._weight)]
        following = [i for i in range(self._at + 1, len(self._plan)) if self._plan[i].name == name]
        self._inside = bool(following)
        if following:
            self._at = following[0]
        self.name, self.done, self.total = name, 0, total
        self._entered = self._clock()

    def step(self, count: int) -> None:
        """``count`` more steps of the part are done."""
        self.done += count

    @property
    def number(self) -> int:
        """Of the part that runs, from 1."""
        return max(self._at, 0) + 1

    @property
    def parts(self) -> int:
        """Number of parts in the plan, at least 1."""
        return max(1, len(self._plan))

    def fraction(self) -> float:
        """Of the work that is done, in [0, 1]; never less than it was."""
        self._fraction = max(self._fraction, min(1.0, self._work()[0] / self._weight))
        return self._fraction

    def left(self) -> float | None:
        """Seconds left: the part's as fast as it has been so far, the later ones as their weights say. None while
        too little is done to tell."""
        now = self._clock()
        spent = now - self._began
        done, later = self._work()
        if spent < self.SECONDS or done < self.SHARE * self._weight:
            return None
        here = 0.0
        if self._inside and 0 < self.done < self.total:
            here = (now - self._entered) * (self.total - self.done) / self.done
        elif self._inside and self.done == 0:
            here = spent / done * self._plan[self._at].weight
        return round(here + spent / done * later, 1)

    def _work(self) -> tuple[float, float]:
        """Weight of what is done, and of the parts after this one."""
        if self._at < 0:
            return 0.0, self._weight
        part = self._plan[self._at]
        share = min(1.0, self.done / self.total) if self.total and self._inside else float(not self._inside)
        before = sum(other.weight for other in self._plan[: self._at])
        return before + share * part.weight, self._weight - before - part.weight


class Quiet:
    """Reports nothing; stops when ``cancel`` is set."""

    def __init__(self, cancel: threading.Event | None = None) -> None:
        self._cancel = cancel

    def check(self) -> None:
        """Raises ``Cancelled`` when the work was cancelled."""
        if self._cancel is not None and self._cancel.is_set():
            raise Cancelled("The work was cancelled.")

    def stage(self, name: str, total: int) -> None:
        self.check()

    def step(self, count: int = 1) -> None:
        self.check()

    def log(self, message: str) -> None:
        self.check()


class Terminal(Quiet):
    """A progress bar per part on standard error, named after the part; with a plan, also what is done of the whole."""

    def __init__(self, plan: Sequence[Part] = ()) -> None:
        super().__init__()
        self._course = Course(plan) if plan else None
        self._bar: tqdm[Any] | None = None

    def stage(self, name: str, total: int) -> None:
        self.close()
        self._bar = tqdm(total=total, desc=f"{name:<12}", file=sys.stderr, dynamic_ncols=True, leave=True)
        if self._course is not None:
            self._course.stage(name, total)

    def step(self, count: int = 1) -> None:
        if self._bar is None:
            return
        if self._course is not None:
            self._course.step(count)
            left = self._course.left()
            when = "" if left is None else f", {tqdm.format_interval(left)} left"
            self._bar.set_postfix_str(f"{self._course.fraction():.0%} of all{when}", refresh=False)
        self._bar.update(count)

    def log(self, message: str) -> None:
        tqdm.write(message, file=sys.stderr)

    def close(self) -> None:
        """Ends the current bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
