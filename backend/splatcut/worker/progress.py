# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where a request is, as one number that only grows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from splatcut.errors import Cancelled
from splatcut.messages import Job
from splatcut.messages.worker import Event, LogEvent, ProgressEvent
from splatcut.pipeline.inputs import FEW_VIEWS
from splatcut.pipeline.masking import MASK_PASSES, SNAP
from splatcut.refine.options import BUDGETS, RefineOptions


@dataclass(frozen=True)
class Step:
    """A stage of a plan: its name as it is reported, and its usual share of the work, in any unit."""

    name: str
    weight: float


#: Views of a usual data set, for weights that depend on them.
USUAL_VIEWS = 60
#: What a stage that was finished by an earlier run is reported as, where that is not its own name.
_RESUMED = {"extract": "islands", "write": "sheet"}


def plan_of(job: Job) -> tuple[Step, ...]:
    """The stages of a run in order, weighted as they usually are on a CPU. A stage that does not come is skipped."""
    inline = job.cameras if isinstance(job.cameras, tuple) else ()
    photos = isinstance(job.cameras, Path) or any(view.photo is not None for view in inline)
    virtual = job.masks is None and not isinstance(job.cameras, Path) and len(inline) < FEW_VIEWS
    iterations, turns, rounds = BUDGETS[job.options.quality]
    steps = [Step("load", 3)]
    if photos:
        steps.append(Step("floaters", 4))
    if virtual:
        steps.append(Step("views", 3))
    passes = MASK_PASSES[job.options.quality]
    steps.append(Step("masks", 2 if job.masks is not None else 80 + 50 * passes))
    if job.masks is None and not job.options.trust_masks:
        steps.append(Step("mask edges", 20 * len(SNAP[job.options.quality].radii)))
    steps.append(Step("lift", 12))
    if not job.options.trust_masks:
        steps.append(Step("agree", 10))
    if job.options.refine:
        for number in range(rounds):
            steps += [Step("lift", 12)] if number else []
            steps += [Step("depths", 1), Step("hidden", 3), Step("objects alone", 2), Step("edges", 4)]
            steps += [Step("depths", 1), Step("bands", 10)]
            usual = RefineOptions.of(job.options.quality)
            between = 1 if usual.between == 0 else 2
            optimising = 0.2 * between * max(iterations, turns * USUAL_VIEWS)
            steps.append(Step("refine", optimising))
            if number == rounds - 1 and usual.picture.share > 0:
                steps.append(Step("picture", 0.3 * optimising))
    return (*steps, Step("islands", 1), Step("objects", 1), Step("final masks", 6), Step("sheet", 3))


class Reporter:
    """Reports a request's progress as events; every call raises ``Cancelled`` once ``cancel`` is set.

    A ``Progress``. Stages that are not in the plan, or that come again, count as part of the one before.

    Args:
        number: the request; send: takes events; plan: its stages in order.
    """

    #: Seconds between two events of one stage, at least.
    EVERY = 0.1
    #: No estimate of the time left before this many seconds and this share of the work.
    SECONDS, SHARE = 3.0, 0.02

    def __init__(
        self,
        number: int,
        send: Callable[[Event], None],
        cancel: threading.Event,
        plan: Sequence[Step],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.number, self.send, self._cancel, self._clock = number, send, cancel, clock
        self._plan = list(plan)
        self._weight = sum(step.weight for step in plan) or 1.0
        self._at, self._name, self._done, self._total = -1, "", 0, 0
        self._inside = False  # the stage that runs is the plan's, and its steps count
        self._fraction, self._told = 0.0, -1e9
        self._began = self._entered = clock()

    def stage(self, name: str, total: int) -> None:
        self._check()
        wanted = _RESUMED.get(name, name)
        following = [i for i in range(self._at + 1, len(self._plan)) if self._plan[i].name == wanted]
        self._inside = bool(following)
        if following:
            self._at = following[0]
        self._name, self._done, self._total = name, 0, total
        self._entered = self._clock()
        self._tell(force=True)

    def step(self, count: int = 1) -> None:
        self._check()
        self._done += count
        self._tell(force=self._done == self._total)

    def log(self, message: str) -> None:
        self._check()
        self.send(LogEvent(self.number, message))

    def check(self) -> None:
        """Raises ``Cancelled`` when the request was cancelled."""
        self._check()

    def _check(self) -> None:
        if self._cancel.is_set():
            raise Cancelled("The work was cancelled.")

    def _tell(self, force: bool) -> None:
        now = self._clock()
        if not force and now - self._told < self.EVERY:
            return
        self._told = now
        done, left = self._work()
        self._fraction = max(self._fraction, min(1.0, done / self._weight))
        self.send(
            ProgressEvent(
                self.number, self._name, max(self._at, 0) + 1, max(1, len(self._plan)), self._done, self._total,
                self._fraction, self._eta(now, done, left),
            )
        )  # fmt: skip

    def _work(self) -> tuple[float, float]:
        """Weight of what is done, and of the stages after this one."""
        if self._at < 0:
            return 0.0, self._weight
        step = self._plan[self._at]
        share = min(1.0, self._done / self._total) if self._total and self._inside else float(not self._inside)
        before = sum(other.weight for other in self._plan[: self._at])
        return before + share * step.weight, self._weight - before - step.weight

    def _eta(self, now: float, done: float, left: float) -> float | None:
        """Seconds left: the stage's as fast as it has been so far, the later ones as their weights say."""
        spent = now - self._began
        if spent < self.SECONDS or done < self.SHARE * self._weight:
            return None
        here = 0.0
        if self._inside and 0 < self._done < self._total:
            here = (now - self._entered) * (self._total - self._done) / self._done
        elif self._inside and self._done == 0:
            here = spent / done * self._plan[self._at].weight
        return round(here + spent / done * left, 1)
