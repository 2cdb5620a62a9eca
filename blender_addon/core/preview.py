# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview of a splat object: what is shown, what the engine is working on, what waits. The latest request wins."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError

#: Seconds without a further change after which a preview is asked for.
DEBOUNCE_SECONDS = 0.12

Phase = Literal["empty", "running", "waiting", "ready", "stale", "stopped", "failed"]


@dataclass(frozen=True, eq=False)
class Preview:
    """What would be cut from a splat object.

    Attributes:
        labels: [N] int32, 0 the background and k the k-th of ``objects``.
        probability: [N] float32 of that label, 0 to 1.
        objects: uids of the objects in the list (``SplatCutObject.uid``) by label.
        stale: made from other prompts than those there are now, or made only in part.
        early: from the prompted views alone; the other views follow.
        counts: Gaussians of each object, by name; None while ``early``.
        seconds: how long the request took, 0 while ``early``.
    """

    labels: NDArray[np.int32]
    probability: NDArray[np.float32]
    objects: tuple[str, ...]
    stale: bool = False
    early: bool = False
    counts: dict[str, int] | None = None
    seconds: float = 0.0


def _nothing() -> None:
    pass


@dataclass(eq=False)
class Request:
    """A preview that the engine has been asked for.

    Attributes:
        key: changes with everything that the preview is made from: prompts, views, number of Gaussians.
        objects: uids of the objects by label.
        cancel: stops the request; whatever still arrives from it is ignored.
        has_early: its early preview has arrived.
    """

    key: Hashable
    objects: tuple[str, ...]
    cancel: Callable[[], None] = _nothing
    has_early: bool = False


class LivePreview:
    """Keeps the preview of one splat object up to date.

    ``change`` says that the prompts may have changed. Once ``is_due``, the caller makes a ``Request`` and reports its
    course: ``begin``, then ``show_early`` (or not), then ``finish``, ``fail`` or ``stop``. At most one request is under
    way and at most one waits. A request that has shown nothing yet is left to show its early preview, so that somebody
    who clicks quickly gets to see something; then the waiting one replaces it. Reports on a request that has been
    replaced are ignored, so that an older answer never overwrites a newer one.

    Args:
        on_change: called after ``shown`` has changed.

    Attributes:
        shown: the preview to draw, or None.
    """

    def __init__(self, on_change: Callable[[], None] = _nothing) -> None:
        self.shown: Preview | None = None
        self._on_change = on_change
        self._key: Hashable = None  # of the prompts as they are; None when there is nothing to preview
        self._shown_key: Hashable = None  # what ``shown`` answers to; None when it must not count as up to date
        self._running: Request | None = None
        self._due: float | None = None
        self._ended: Literal["stale", "stopped", "failed"] = "stale"

    @property
    def phase(self) -> Phase:
        """Where it stands.

        "empty": there is nothing to preview. "running": the engine is at work. "waiting": it will be asked. "ready":
        ``shown`` is complete and up to date. Otherwise nothing more is to come by itself: "stale" (never asked),
        "stopped" or "failed".
        """
        if self._key is None:
            return "empty"
        if self._running is not None:
            return "running"
        if self._due is not None:
            return "waiting"
        return "ready" if self._is_ready() else self._ended

    @property
    def is_waiting(self) -> bool:
        """Whether a request is to follow, perhaps after the one that is running."""
        return self._due is not None

    def is_due(self, now: float) -> bool:
        """Whether a request is to be made at the time ``now`` (seconds, any origin)."""
        return self._due is not None and now >= self._due and (self._running is None or self._running.has_early)

    def is_current(self, request: Request) -> bool:
        """Whether the request is under way and nothing has replaced it."""
        return self._running is request

    def change(self, key: Hashable, now: float, *, ask: bool = True) -> None:
        """The prompts are now those of ``key`` (None: there is nothing to preview).

        Args:
            now: seconds, any origin.
            ask: whether a request follows by itself.
        """
        if key is None:
            self.clear()
            return
        self._key = key
        if self._is_ready():
            self._due = None
            self._replace_running(None)
        elif self._running is not None and self._running.key == key:
            self._due = None
        elif ask:
            self._due = now + DEBOUNCE_SECONDS
        else:
            self._ended = "stale"
        self._refresh()

    def begin(self, request: Request) -> None:
        """The engine is asked; an earlier request is cancelled."""
        self._key, self._due = request.key, None
        self._replace_running(request)
        self._refresh()

    def show_early(self, request: Request, labels: NDArray[np.int32], probability: NDArray[np.float32]) -> None:
        """The early preview of a request has arrived."""
        if self.is_current(request):
            request.has_early = True
            self._show(request, Preview(labels, probability, request.objects, early=True))

    def finish(
        self,
        request: Request,
        labels: NDArray[np.int32],
        probability: NDArray[np.float32],
        counts: dict[str, int],
        seconds: float,
    ) -> None:
        """The complete preview of a request has arrived."""
        if self.is_current(request):
            self._running, self._ended = None, "stale"
            self._show(request, Preview(labels, probability, request.objects, counts=counts, seconds=seconds))

    def fail(self, request: Request) -> None:
        """A request has ended without a preview; one that waits still follows."""
        if self.is_current(request):
            self._end("failed")

    def stop(self, request: Request) -> None:
        """The user has stopped a request; what waits is dropped, too."""
        if self.is_current(request):
            self._due = None
            self._end("stopped")

    def refuse(self) -> None:
        """No request can be made of the prompts as they are."""
        self._key, self._due = object(), None  # a key that no preview answers to
        self._end("failed")

    def suspend(self) -> None:
        """Cancels what is under way and what waits, so that something more important need not wait."""
        if self._running is not None or self._due is not None:
            self._due = None
            self._end("stopped")

    def invalidate(self) -> None:
        """What is shown counts as out of date, whatever it was made from."""
        self._shown_key = None
        self._refresh()

    def clear(self) -> None:
        """There is nothing to preview any more."""
        self._key = self._shown_key = self._due = None
        self._ended = "stale"
        self._replace_running(None)
        if self.shown is not None:
            self.shown = None
            self._on_change()

    def _is_ready(self) -> bool:
        return self.shown is not None and not self.shown.early and self._shown_key == self._key

    def _show(self, request: Request, preview: Preview) -> None:
        self._shown_key = request.key
        self.shown = replace(preview, stale=request.key != self._key)
        self._on_change()

    def _end(self, how: Literal["stopped", "failed"]) -> None:
        self._ended = how
        self._replace_running(None)
        self._refresh()

    def _replace_running(self, request: Request | None) -> None:
        previous, self._running = self._running, request
        if previous is not None:
            if self.shown is not None and self.shown.early:
                self._shown_key = None  # the other views will not follow
            previous.cancel()  # last: it may report back at once

    def _refresh(self) -> None:
        if self.shown is not None and self.shown.stale != (self._shown_key != self._key):
            self.shown = replace(self.shown, stale=not self.shown.stale)
            self._on_change()


def read_preview(file: Path) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(labels [N], probability [N] in 0 to 1) from the file that the engine has written.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        with np.load(file, allow_pickle=False) as content:
            labels = content["labels"].astype(np.int32)
            probability = content["probability"].astype(np.float32) / np.float32(255)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"The preview file {file} cannot be read ({error}). Update the preview.") from error
    if labels.ndim != 1 or labels.shape != probability.shape:
        raise UserError(f"The preview file {file} is damaged. Update the preview.")
    return labels, probability
