# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The latest request wins, whatever the order in which things happen."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from blender_addon.core.preview import DEBOUNCE_SECONDS, LivePreview, Request, read_preview
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from splatcut.errors import UserError

PROBABILITY = np.ones(3, np.float32)


class Asked(Request):
    """A request whose answers can be told from others'."""

    def __init__(self, key: object, number: int = 0) -> None:
        super().__init__(key, (f"object {number}",), self._note)
        self.number, self.cancelled = number, False

    def _note(self) -> None:
        self.cancelled = True

    @property
    def labels(self) -> np.ndarray:
        return np.full(3, self.number, np.int32)


def begin(live: LivePreview, key: object, number: int = 0) -> Asked:
    asked = Asked(key, number)
    live.begin(asked)
    return asked


def finish(live: LivePreview, asked: Asked) -> None:
    live.finish(asked, asked.labels, PROBABILITY, {"vase": 1}, 0.5)


def early(live: LivePreview, asked: Asked) -> None:
    live.show_early(asked, asked.labels, PROBABILITY)


def shown(live: LivePreview) -> tuple[int, bool, bool]:
    """(number of the request, early, stale)."""
    assert live.shown is not None
    return int(live.shown.labels[0]), live.shown.early, live.shown.stale


def test_one_change_from_the_click_to_the_preview() -> None:
    live = LivePreview()
    assert (live.phase, live.shown) == ("empty", None)
    live.change("a", 10.0)
    assert (live.phase, live.is_due(10.0), live.is_due(10.0 + DEBOUNCE_SECONDS)) == ("waiting", False, True)
    asked = begin(live, "a", 1)
    assert (live.phase, live.is_waiting, live.is_current(asked)) == ("running", False, True)
    early(live, asked)
    assert (live.phase, shown(live)) == ("running", (1, True, False))
    finish(live, asked)
    assert (live.phase, shown(live)) == ("ready", (1, False, False))
    assert live.shown is not None
    assert (live.shown.objects, live.shown.counts, live.shown.seconds) == (("object 1",), {"vase": 1}, 0.5)


def test_quick_changes_make_one_request() -> None:
    live = LivePreview()
    for step in range(5):
        live.change(step, step * DEBOUNCE_SECONDS / 2)
        assert not live.is_due(step * DEBOUNCE_SECONDS / 2)
    assert not live.is_due(2.9 * DEBOUNCE_SECONDS)
    assert live.is_due(3.1 * DEBOUNCE_SECONDS)


def test_a_running_request_shows_its_early_preview_before_the_waiting_one_replaces_it() -> None:
    live = LivePreview()
    first = begin(live, "a", 1)
    live.change("b", 0.0)
    live.change("c", 0.0)
    assert not live.is_due(60.0)
    early(live, first)
    assert shown(live) == (1, True, True)
    assert live.is_due(60.0)
    assert not first.cancelled
    second = begin(live, "c", 2)
    assert first.cancelled
    finish(live, first)  # too late
    assert shown(live) == (1, True, True)
    finish(live, second)
    assert shown(live) == (2, False, False)


def test_undo_brings_back_what_is_shown_without_asking() -> None:
    live = LivePreview()
    finish(live, begin(live, "a", 1))
    live.change("b", 0.0)
    second = begin(live, "b", 2)
    assert shown(live) == (1, False, True)
    live.change("a", 1.0)
    assert (live.phase, live.is_waiting, shown(live), second.cancelled) == ("ready", False, (1, False, False), True)
    finish(live, second)
    assert shown(live) == (1, False, False)


def test_undo_asks_anew_once_the_other_early_preview_is_shown() -> None:
    live = LivePreview()
    finish(live, begin(live, "a", 1))
    second = begin(live, "b", 2)
    early(live, second)
    live.change("a", 1.0)
    assert (live.phase, live.is_waiting, shown(live)) == ("running", True, (2, True, True))
    third = begin(live, "a", 3)
    early(live, second)
    assert shown(live)[0] == 2
    finish(live, third)
    assert (live.phase, shown(live)) == ("ready", (3, False, False))


def test_back_to_the_prompts_of_the_running_request_drops_what_waits() -> None:
    live = LivePreview()
    asked = begin(live, "a", 1)
    early(live, asked)
    live.change("b", 0.0)
    assert shown(live) == (1, True, True)
    live.change("a", 0.1)
    assert (live.is_waiting, asked.cancelled, shown(live)) == (False, False, (1, True, False))


def test_a_failure_leaves_the_last_preview_and_what_waits() -> None:
    live = LivePreview()
    finish(live, begin(live, "a", 1))
    second = begin(live, "b", 2)
    live.fail(second)
    assert (live.phase, shown(live)) == ("failed", (1, False, True))
    live.change("c", 0.0)
    third = begin(live, "c", 3)
    live.change("d", 1.0)
    live.fail(third)
    assert live.phase == "waiting"
    assert live.is_due(2.0)
    finish(live, begin(live, "d", 4))
    assert (live.phase, shown(live)) == ("ready", (4, False, False))


@pytest.mark.parametrize("end", ["fail", "stop", "suspend"])
def test_an_early_preview_that_is_never_completed_is_stale(end: str) -> None:
    live = LivePreview()
    asked = begin(live, "a", 1)
    early(live, asked)
    getattr(live, end)(*[] if end == "suspend" else [asked])
    assert live.phase == ("failed" if end == "fail" else "stopped")
    assert shown(live) == (1, True, True)
    live.change("a", 0.0)
    assert live.phase == "waiting"


def test_stopping_drops_what_waits_too() -> None:
    live = LivePreview()
    asked = begin(live, "a")
    live.change("b", 0.0)
    live.stop(asked)
    assert (live.phase, live.is_waiting) == ("stopped", False)
    live.change("b", 1.0)
    live.suspend()
    assert (live.phase, live.is_waiting) == ("stopped", False)


def test_suspending_cancels_and_keeps_what_is_complete() -> None:
    live = LivePreview()
    finish(live, begin(live, "a", 1))
    live.suspend()
    assert (live.phase, shown(live)) == ("ready", (1, False, False))
    asked = begin(live, "b", 2)
    live.suspend()
    assert asked.cancelled
    live.stop(asked)  # what the engine says to it
    assert (live.phase, shown(live)) == ("stopped", (1, False, True))


def test_prompts_that_cannot_be_read() -> None:
    live = LivePreview()
    finish(live, begin(live, "a", 1))
    asked = begin(live, "b")
    live.refuse()
    assert asked.cancelled
    assert (live.phase, shown(live)) == ("failed", (1, False, True))
    live.change("a", 0.0)
    assert (live.phase, shown(live)) == ("ready", (1, False, False))


def test_without_prompts_there_is_no_preview() -> None:
    live = LivePreview()
    asked = begin(live, "a", 1)
    early(live, asked)
    live.change(None, 0.0)
    assert (live.phase, live.shown, asked.cancelled) == ("empty", None, True)
    finish(live, asked)
    assert live.shown is None


def test_nothing_is_asked_by_itself_where_no_timer_fires() -> None:
    live = LivePreview()
    live.change("a", 0.0, ask=False)
    assert (live.phase, live.is_waiting) == ("stale", False)
    finish(live, begin(live, "a", 1))
    live.change("b", 0.0, ask=False)
    assert (live.phase, shown(live)) == ("stale", (1, False, True))


def test_an_invalidated_preview_must_be_asked_for_again() -> None:
    live = LivePreview()
    finish(live, begin(live, "a", 1))
    live.invalidate()
    assert shown(live) == (1, False, True)
    live.change("a", 0.0)
    assert live.phase == "waiting"


def test_a_request_may_report_back_while_it_is_being_cancelled() -> None:
    """A request that only waits in the worker's queue ends at once."""
    live = LivePreview()
    first: Request = Request("a", (), lambda: live.stop(first))
    live.begin(first)
    second = begin(live, "b", 2)
    assert live.is_current(second)
    live.suspend()
    assert live.phase == "stopped"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_answers_in_any_order_leave_the_latest(order: tuple[int, ...]) -> None:
    live = LivePreview()
    asked = [begin(live, key, number) for number, key in enumerate("abc")]
    for number in order:
        early(live, asked[number])
        finish(live, asked[number])
    assert (live.phase, shown(live)) == ("ready", (2, False, False))


class AnyOrder(RuleBasedStateMachine):
    """Changes, time, and an engine that answers old and new requests as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.redraws = 0
        self.live = LivePreview(self.drawn)
        self.asked: list[Asked] = []
        self.key: str | None = None
        self.now = 0.0
        self.last_shown = (-1, False)
        self.last = self.live.shown

    def drawn(self) -> None:
        self.redraws += 1

    def ask(self, key: str) -> None:
        self.asked.append(begin(self.live, key, len(self.asked)))

    @rule(key=st.sampled_from(["a", "b", "c", None]), seconds=st.sampled_from([0.0, 0.1, 1.0]))
    def change(self, key: str | None, seconds: float) -> None:
        self.key, self.now = key, self.now + seconds
        self.live.change(key, self.now)
        assert not self.live.is_due(self.now)

    @rule()
    def timer(self) -> None:
        self.now += 2 * DEBOUNCE_SECONDS
        if self.live.is_due(self.now):
            assert self.key is not None
            self.ask(self.key)

    @rule()
    def update_now(self) -> None:
        if self.key is not None:
            self.live.invalidate()
            self.ask(self.key)

    @rule(index=st.integers(0, 30), kind=st.sampled_from(["early", "finish", "fail", "stop"]))
    def answer(self, index: int, kind: str) -> None:
        if not self.asked:
            return
        asked = self.asked[-1 - index % len(self.asked)]
        before = self.live.shown
        if kind == "early":
            early(self.live, asked)
        elif kind == "finish":
            finish(self.live, asked)
        elif kind == "fail":
            self.live.fail(asked)
        else:
            self.live.stop(asked)
        if asked.cancelled or asked is not self.asked[-1]:
            assert self.live.shown is before

    @rule()
    def suspend(self) -> None:
        self.live.suspend()

    @rule()
    def the_engine_answers_everything(self) -> None:
        """However it came here: once all is quiet, what is shown answers to the prompts, or there are none."""
        if self.key is None:
            return
        self.live.change(self.key, self.now)
        for _ in range(3):
            for asked in self.asked:
                early(self.live, asked)
                finish(self.live, asked)
            self.timer()
        assert self.live.phase == "ready"
        number, is_early, stale = shown(self.live)
        assert (self.asked[number].key, is_early, stale) == (self.key, False, False)

    @invariant()
    def at_most_one_request_is_under_way(self) -> None:
        current = [asked for asked in self.asked if self.live.is_current(asked)]
        assert current == (self.asked[-1:] if self.live.phase == "running" else [])
        assert not any(asked.cancelled for asked in current)

    @invariant()
    def nothing_older_is_ever_shown(self) -> None:
        if self.live.shown is None:
            return
        number, is_early, _ = shown(self.live)
        assert (number, not is_early) >= self.last_shown
        self.last_shown = number, not is_early

    @invariant()
    def what_is_shown_and_not_stale_answers_to_the_prompts(self) -> None:
        assert (self.live.shown is None) >= (self.live.phase == "empty")
        if self.live.shown is not None and not self.live.shown.stale:
            assert self.asked[shown(self.live)[0]].key == self.key
            assert self.live.phase in ("ready", "running", "waiting")
            assert self.live.phase == "ready" or self.live.shown.early

    @invariant()
    def every_change_is_drawn(self) -> None:
        assert (self.redraws > 0) >= (self.live.shown is not self.last)
        self.redraws, self.last = 0, self.live.shown


TestAnyOrder = AnyOrder.TestCase


def test_a_preview_file(tmp_path: Path) -> None:
    file = tmp_path / "preview.npz"
    np.savez(file, labels=np.array([0, 2, 1], np.uint8), probability=np.array([0, 255, 51], np.uint8))
    labels, probability = read_preview(file)
    assert (labels.dtype, probability.dtype) == (np.int32, np.float32)
    assert labels.tolist() == [0, 2, 1]
    np.testing.assert_allclose(probability, [0, 1, 0.2])


def test_a_preview_file_that_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "preview.npz"
    with pytest.raises(UserError, match="cannot be read"):
        read_preview(file)
    np.savez(file, labels=np.zeros(3, np.int32), probability=np.zeros(2, np.uint8))
    with pytest.raises(UserError, match="is damaged"):
        read_preview(file)
    np.savez(file, labels=np.zeros(3, np.int32))
    with pytest.raises(UserError, match="cannot be read"):
        read_preview(file)
    file.write_bytes(b"PK\x03\x04 not a zip archive")
    with pytest.raises(UserError, match="cannot be read"):
        read_preview(file)
