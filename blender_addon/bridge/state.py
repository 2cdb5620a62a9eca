# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds only while Blender runs and is never saved: previews, the job that is on, the last message.

Panels and draw handlers read the module's variables; what changes them calls ``changed``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import bpy

from splatcut.messages.worker import CheckResult

from ..core.preview import LivePreview, Preview

_log = logging.getLogger(__name__)

Level = Literal["INFO", "WARNING", "ERROR"]

#: Kinds of jobs that previews leave on the panel.
LONG = ("run", "heal", "match")


@dataclass(frozen=True)
class JobStatus:
    """What is being worked on.

    Attributes:
        kind: "run", "heal", "match", "preview", "views", "environment", "import", "export".
        stage: for people; fraction: 0 to 1, or None when that cannot be told; eta: seconds left, or None.
        message: one line for the panel: stage, and how much time is left.
        scene: uid of the splat object, "" when it is about none.
        started: time.monotonic().
        cancelling: it was asked to stop.
    """

    kind: str
    stage: str = ""
    fraction: float | None = None
    eta: float | None = None
    message: str = ""
    scene: str = ""
    started: float = 0.0
    cancelling: bool = False


@dataclass(frozen=True)
class WorkerStatus:
    """The worker: ``phase`` "off", "starting", "ready", "busy" or "dead", and what is known of it.

    Attributes:
        detail: a sentence when it is dead.
        rss: bytes of memory that it holds; log: path of its log, "" when there is none yet.
    """

    phase: Literal["off", "starting", "ready", "busy", "dead"] = "off"
    device: str = ""
    model: str = ""
    version: str = ""
    detail: str = ""
    rss: int = 0
    log: str = ""


#: By uid of the splat object.
previews: dict[str, LivePreview] = {}
#: What the last check of each splat object found, by its uid.
findings: dict[str, CheckResult] = {}
#: The job that the panel shows: a run or another long thing before a preview.
job: JobStatus | None = None
worker = WorkerStatus()
#: The last thing to tell the user, full sentences, and how bad it is.
message = ""
message_level: Level = "INFO"
#: Called after every change, without arguments; must not raise.
listeners: list[Callable[[], None]] = []


def say(text: str, level: Level = "INFO") -> None:
    """Shows a message in the panel; an empty one takes the last away."""
    global message, message_level
    message, message_level = text, level
    if text and level != "INFO":
        _log.warning("%s", text)
    changed(viewport=False)


def live_preview(uid: str) -> LivePreview:
    """What decides on the preview of a splat object."""
    return previews.setdefault(uid, LivePreview(changed))


def preview(uid: str) -> Preview | None:
    """The preview of a splat object that is to be drawn, or None."""
    return previews[uid].shown if uid in previews else None


def set_job(status: JobStatus | None) -> None:
    """Replaces the job that is shown."""
    global job
    if status is not None and not status.started:
        status = replace(status, started=job.started if job and job.kind == status.kind else time.monotonic())
    job = status
    changed(viewport=False)


def set_worker(status: WorkerStatus) -> None:
    """Replaces what is shown of the worker."""
    global worker
    if status != worker:
        worker = status
        changed(viewport=False)


def clear() -> None:
    """Forgets everything, as when another .blend is opened."""
    global message, message_level, job
    previews.clear()
    findings.clear()
    message, message_level, job = "", "INFO", None
    changed()


def changed(*, viewport: bool = True) -> None:
    """Tells the listeners and has the panels drawn again, and the viewports where what they show may have changed."""
    for listener in list(listeners):
        try:
            listener()
        except Exception:
            _log.exception("A listener failed.")
    tag_redraw(viewport=viewport)


def tag_redraw(*, viewport: bool = True) -> None:
    """Has all 3D views, or only their panels, and the preferences drawn again; does nothing without a window."""
    if bpy.app.background:
        return
    # While add-ons are being registered there are no data.
    for manager in getattr(bpy.data, "window_managers", ()):
        for window in manager.windows:
            for area in window.screen.areas:
                if area.type == "PREFERENCES" or (viewport and area.type == "VIEW_3D"):
                    area.tag_redraw()
                elif area.type == "VIEW_3D":
                    for region in area.regions:
                        if region.type == "UI":
                            region.tag_redraw()
