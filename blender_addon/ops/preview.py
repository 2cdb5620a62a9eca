# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews: whatever changes the prompts calls ``request``, and the engine is asked what would be cut.

What is shown, running and waiting is decided by ``core.preview.LivePreview``; here it meets Blender and the engine.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.messages import worker as messages

from ..bridge import prompts, properties, scenes, splats, state, views, worker
from ..core import jobs
from ..core.client import Outcome
from ..core.preview import DEBOUNCE_SECONDS, Request, read_preview
from ..core.prompts import build_objects, fingerprint, ready_uids
from ..core.session import Task

#: Seconds after which the timer looks again while something waits.
_TICK_SECONDS = 0.04


def request(uid: str) -> None:
    """Says that a splat object's prompts may have changed: its preview follows, after a moment.

    Without a window, where no timer fires, the preview is only marked as out of date: ``splatcut.preview`` makes it.
    """
    live, obj = state.live_preview(uid), splats.find(uid)
    try:
        live.change(None if obj is None else key_of(obj), time.monotonic(), ask=not bpy.app.background)
    except UserError as error:
        live.refuse()
        state.say(str(error), "ERROR")
    _hide_job(uid)
    if live.phase == "empty":
        if obj is not None:
            _load_ahead(obj)
    elif live.is_waiting and not bpy.app.timers.is_registered(_ask_due):
        bpy.app.timers.register(_ask_due, first_interval=DEBOUNCE_SECONDS, persistent=True)


def settings_changed(obj: Any) -> None:
    """A setting that previews depend on has changed (grow and shrink)."""
    if splats.is_splat(obj):
        request(obj.splatcut.uid)


def check_all() -> None:
    """Has all previews follow their prompts, as after undo."""
    for uid in {*state.previews} | {
        obj.splatcut.uid
        for obj in bpy.data.objects
        if splats.is_splat(obj) and len(obj.splatcut.objects)  # type: ignore[attr-defined]
    }:
        request(uid)


def suspend() -> None:
    """Stops previews that are under way, so that something more important is not kept waiting."""
    for uid, live in state.previews.items():
        live.suspend()
        _hide_job(uid)


def ask(context: bpy.types.Context, uid: str) -> Task | None:
    """Asks the worker for a preview; None when there is nothing to preview. Raises ``UserError``."""
    obj = scenes.find(uid)
    live, key = state.live_preview(uid), key_of(obj)
    if key is None:
        live.clear()
        _hide_job(uid)
        return None
    placed, placed_views = prompts.read(obj.splatcut)  # type: ignore[attr-defined]
    wanted, inline = build_objects(placed, placed_views, splats.world_offset(obj))
    out = scenes.working_folder(uid) / "preview"

    def make() -> messages.Preview:
        out.mkdir(parents=True, exist_ok=True)
        return messages.Preview(wanted, out)

    task = Task(
        make,
        scene=scenes.scene(uid),
        views=jobs.set_views(views.sources(context, obj), inline),
        on_reply=lambda outcome: _answered(uid, asked, outcome),
        on_event=lambda event: _event(uid, asked, event),
    )
    asked = Request(key, ready_uids(placed), lambda: worker.session().cancel(task))
    live.begin(asked)
    if state.job is None or state.job.kind not in state.LONG:
        state.set_job(state.JobStatus("preview", message="Preview", scene=uid))
    return worker.submit(task)


def key_of(obj: Any) -> object:
    """Changes with everything that the preview depends on; None when there is nothing to preview."""
    settings = obj.splatcut
    placed, placed_views = prompts.read(settings)
    if not any(item.is_ready for item in placed):
        return None
    # Not the Gaussians themselves: looking at all of them at every movement of a slider would hold Blender up. Whoever
    # edits them in between sees the last preview until the next change; what the worker gets is always what they are.
    return fingerprint(placed, placed_views), views.source_key(obj), _count(obj)


def _ask_due() -> float | None:
    """Makes the requests whose time has come; runs as a timer while something waits."""
    now = time.monotonic()
    for uid, live in list(state.previews.items()):
        if live.is_due(now):
            try:
                ask(bpy.context, uid)
            except UserError as error:
                live.refuse()
                _hide_job(uid)
                state.say(str(error), "ERROR")
    return _TICK_SECONDS if any(live.is_waiting for live in state.previews.values()) else None


def _event(uid: str, asked: Request, event: messages.Event) -> None:
    live = state.live_preview(uid)
    if not live.is_current(asked):
        return
    if isinstance(event, messages.PreviewEvent):
        with contextlib.suppress(UserError):  # the complete one follows
            live.show_early(asked, *_read(uid, event.file))
    elif isinstance(event, messages.LogEvent):
        state.say(event.message, "WARNING")
    elif isinstance(event, messages.ProgressEvent) and (state.job is None or state.job.kind not in state.LONG):
        text = jobs.progress_text(event)
        state.set_job(state.JobStatus("preview", event.stage, event.fraction, event.eta, text, uid))


def _answered(uid: str, asked: Request, outcome: Outcome) -> None:
    live = state.live_preview(uid)
    if not live.is_current(asked):
        return
    try:
        if outcome.ok:
            result: messages.PreviewResult = outcome.result
            labels, probability = _read(uid, result.file)
            live.finish(asked, labels, probability, dict(result.counts), result.seconds)
            if state.message_level == "ERROR" and live.phase == "ready":
                state.say("")  # what went wrong before works now
        elif outcome.problem is not None and outcome.problem.kind == "cancelled":
            live.stop(asked)
        elif outcome.problem is not None:
            raise UserError(outcome.problem.message)
    except UserError as error:
        live.fail(asked)
        state.say(str(error), "ERROR")
    _hide_job(uid)


def _read(uid: str, file: Path) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """A preview's labels and probabilities, if the splat object still has as many Gaussians. Raises ``UserError``."""
    labels, probability = read_preview(file)
    with contextlib.suppress(OSError):
        file.unlink()
    if len(labels) != _count(scenes.find(uid)):
        raise UserError("The splat was edited while its preview was being computed. Update the preview.")
    return labels, probability


def _hide_job(uid: str) -> None:
    """Takes the progress of a splat object's preview away when it is not running any more."""
    job = state.job
    if job is not None and (job.kind, job.scene) == ("preview", uid) and state.live_preview(uid).phase != "running":
        state.set_job(None)


def _load_ahead(obj: Any) -> None:
    """Starts the worker and gives it the scene once there is an object to click on, so that the first click need not
    wait for that. What goes wrong is reported when something is asked for."""
    settings = obj.splatcut
    if bpy.app.background or not len(settings.objects) or not worker.session().idle:
        return
    with contextlib.suppress(UserError):
        scene, wanted = scenes.scene(settings.uid), jobs.set_views(views.sources(bpy.context, obj), ())
        if not worker.session().holds(scene, wanted):
            worker.submit(Task(wanted, scene=scene, slot=("load ahead", settings.uid)))


def _count(obj: Any) -> int:
    """How many Gaussians a splat object has."""
    return len(obj.data.vertices if obj.type == "MESH" else obj.data.points)


class SPLATCUT_OT_preview(bpy.types.Operator):
    """Show what would be cut out with the current prompts"""

    bl_idname = "splatcut.preview"
    bl_label = "Update Preview"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if splats.active(context) is None:
            cls.poll_message_set("Select a splat first.")  # type: ignore[attr-defined]
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self._ask(context, blocking=False)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self._ask(context, blocking=True)

    def _ask(self, context: bpy.types.Context, *, blocking: bool) -> set[str]:
        obj: Any = splats.active(context)
        uid = obj.splatcut.uid
        try:
            state.live_preview(uid).invalidate()
            task = ask(context, uid)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if task is None:
            self.report({"ERROR"}, "There is nothing to preview yet. Add an object and click on it in the viewport.")
            return {"CANCELLED"}
        if blocking:
            outcome = worker.wait(task)
            if outcome.problem is not None:
                self.report({"ERROR"}, outcome.problem.message)
                return {"CANCELLED"}
        return {"FINISHED"}


def _forget() -> None:
    """Forgets all previews."""
    for live in state.previews.values():
        live.clear()
    state.clear()


@persistent
def _on_history(*_: object) -> None:
    check_all()


@persistent
def _on_load(*_: object) -> None:
    _forget()
    scenes.forget()


_HANDLERS = (("undo_post", _on_history), ("redo_post", _on_history), ("load_post", _on_load))

CLASSES = (SPLATCUT_OT_preview,)


def register() -> None:
    """Starts to follow settings, undo, redo and opened files."""
    properties.after_setting_change = settings_changed
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Stops following them."""
    properties.after_setting_change = None
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    if bpy.app.timers.is_registered(_ask_due):
        bpy.app.timers.unregister(_ask_due)
    _forget()
