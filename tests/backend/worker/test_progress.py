# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Progress as one number that only grows, and the time left."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splatcut.errors import Cancelled
from splatcut.messages.worker import Event, LogEvent, ProgressEvent
from splatcut.progress import Part
from splatcut.worker.progress import Reporter

PLAN = (Part("load", 1), Part("masks", 6), Part("lift", 1), Part("refine", 2))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def reporter(plan: tuple[Part, ...] = PLAN) -> tuple[Reporter, list[Event], Clock, threading.Event]:
    events: list[Event] = []
    clock, cancel = Clock(), threading.Event()
    return Reporter(7, events.append, cancel, plan, clock), events, clock, cancel


def test_the_fraction_follows_the_weights() -> None:
    report, events, clock, _ = reporter()
    report.stage("load", 1)
    report.step()
    report.stage("masks", 4)
    for _ in range(4):
        clock.now += 1.0
        report.step()
    report.stage("lift", 2)
    fractions = [event.fraction for event in events if isinstance(event, ProgressEvent)]
    assert fractions == pytest.approx([0, 0.1, 0.1, 0.25, 0.4, 0.55, 0.7, 0.7])
    last = events[-1]
    assert isinstance(last, ProgressEvent)
    assert (last.id, last.stage, last.number, last.stages, last.done, last.total) == (7, "lift", 3, 4, 0, 2)


def test_work_of_one_part_needs_no_plan() -> None:
    report, events, _, _ = reporter(())
    report.stage("convert", 2)
    report.step(2)
    last = events[-1]
    assert isinstance(last, ProgressEvent)
    assert (last.stage, last.number, last.stages, last.fraction) == ("convert", 1, 1, 1.0)


def test_the_time_left() -> None:
    """The stage's rest at its own speed, what follows by its weight."""
    report, events, clock, _ = reporter()
    report.stage("load", 1)
    clock.now += 1.0
    report.step()
    report.stage("masks", 12)
    for _ in range(4):
        clock.now += 1.0
        report.step()
    last = events[-1]
    assert isinstance(last, ProgressEvent)
    assert last.eta == pytest.approx(8 + 3 * 5 / 3, abs=0.06)
    first = events[0]
    assert isinstance(first, ProgressEvent)
    assert first.eta is None


def test_events_do_not_come_too_often() -> None:
    report, events, clock, _ = reporter()
    report.stage("masks", 1000)
    for _ in range(1000):
        clock.now += 0.001
        report.step()
    assert 8 <= len(events) <= 14
    last = events[-1]
    assert isinstance(last, ProgressEvent)
    assert last.done == last.total


NAMES = st.sampled_from(["load", "masks", "lift", "refine", "islands", "edge normals", "extract"])
CALLS = st.lists(st.tuples(NAMES, st.integers(0, 5), st.integers(0, 7), st.floats(0, 9)), max_size=12)


@given(CALLS)
def test_whatever_is_reported_the_fraction_only_grows(calls: list[tuple[str, int, int, float]]) -> None:
    report, events, clock, _ = reporter((*PLAN, Part("lift", 1), Part("islands", 1)))
    for name, total, steps, seconds in calls:
        report.stage(name, total)
        for _ in range(steps):
            clock.now += seconds
            report.step()
    told = [event for event in events if isinstance(event, ProgressEvent)]
    fractions = [event.fraction for event in told]
    assert fractions == sorted(fractions)
    assert all(0 <= event.fraction <= 1 and 1 <= event.number <= event.stages for event in told)
    assert all(event.eta is None or event.eta >= 0 for event in told)


def test_resumed_stages_and_those_that_are_left_out() -> None:
    report, events, _, _ = reporter((*PLAN, Part("islands", 1), Part("sheet", 1)))
    for name in ("load", "masks", "islands", "sheet"):
        report.stage(name, 1)
        report.step()
    last = events[-1]
    assert isinstance(last, ProgressEvent)
    assert (last.number, last.fraction) == (6, 1.0)


def test_every_call_stops_cancelled_work() -> None:
    report, events, _, cancel = reporter()
    report.log("The disk is slow.")
    assert events == [LogEvent(7, "The disk is slow.")]
    cancel.set()
    for call in (lambda: report.stage("load", 1), report.step, report.check, lambda: report.log("More.")):
        with pytest.raises(Cancelled):
            call()
    assert len(events) == 1
