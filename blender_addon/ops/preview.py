# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews: what would be cut, asked of the worker after every change of the prompts.

A preview belongs to the prompts it was made from. Whatever changes them (operators, undo, redo, a script) calls
``request``; several changes in a short time make one preview, and a newer one takes the place of one that waits.
"""

from __future__ import annotations

import contextlib
import time
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent

from splatcut.errors import UserError
from splatcut.messages import worker as messages

from ..bridge import prompts, scenes, splats, state, views, worker
from ..core import jobs
from ..core.client import Outcome
from ..core.prompts import build_objects, fingerprint, ready_uids
from ..core.session import Task

#: Seconds without a further change after which a preview is asked for.
DEBOUNCE_SECONDS = 0.12


@dataclass
class _Asked:
    """A preview that is under way.

    Attributes:
        key: of the prompts, views and data that it is made from.
        objects: uids by label; count: Gaussians.
        first: an early preview from the prompted views has been shown.
        over: nobody wants it any more; what of it still comes is not shown.
    """

    uid: str
    key: object
    objects: tuple[str, ...]
    count: int
    task: Task | None = None
    first: bool = False
    over: bool = False
    started: float = field(default_factory=time.monotonic)


#: uid -> time at which its preview is to be asked for.
_due: dict[str, float] = {}
#: uid -> the latest preview that was asked for and has not come or failed.
_asked: dict[str, _Asked] = {}
#: uid -> key of the data that the worker was given ahead of the first click.
_warmed: dict[str, object] = {}
#: uid -> key of the preview that is shown.
_shown: dict[str, object] = {}


def request(uid: str) -> None:
    """Says that a splat object's prompts may have changed: its preview follows, after a moment.

    Without a window, where no timer fires, the preview is only marked as out of date: ``splatcut.preview`` makes it.
    """
    obj = splats.find(uid)
    if obj is None:
        _drop(uid)
        return
    try:
        key = _key(obj)
    except UserError as error:
        state.mark_stale(uid)
        state.say(str(error), "ERROR")
        return
    if key is None:
        _drop(uid)
        _warm(obj)
        return
    if key == _shown.get(uid) and uid in state.preview:
        _due.pop(uid, None)
        shown = state.preview[uid]
        if shown.stale:  # undo has brought back what it was made from
            state.set_preview(uid, replace(shown, stale=False))
        _give_up(uid)
        return
    state.mark_stale(uid)
    asked = _asked.get(uid)
    if asked is not None and asked.key == key:
        _due.pop(uid, None)
        return
    if bpy.app.background:
        return
    _due[uid] = time.monotonic() + DEBOUNCE_SECONDS
    if not bpy.app.timers.is_registered(_ask_due):
        bpy.app.timers.register(_ask_due, first_interval=DEBOUNCE_SECONDS, persistent=True)


def settings_changed(obj: Any) -> None:
    """A setting that previews depend on has changed (grow and shrink)."""
    if splats.is_splat(obj):
        request(obj.splatcut.uid)


def check_all() -> None:
    """Has all previews follow their prompts, as after undo."""
    for uid in {*state.preview, *_asked, *_due} | {
        obj.splatcut.uid
        for obj in bpy.data.objects
        if splats.is_splat(obj) and len(obj.splatcut.objects)  # type: ignore[attr-defined]
    }:
        request(uid)


def forget() -> None:
    """Forgets all previews, as when another .blend is opened."""
    for asked in list(_asked.values()):
        if asked.task is not None:
            worker.session().cancel(asked.task)
    _asked.clear()
    _due.clear()
    _shown.clear()
    _warmed.clear()


def suspend() -> None:
    """Stops previews that are under way, so that something more important is not kept waiting."""
    for uid in list(_asked):
        _give_up(uid)


def ask(context: bpy.types.Context, uid: str) -> Task | None:
    """Asks the worker for a preview; None when there is nothing to preview. Raises ``UserError``."""
    obj = scenes.find(uid)
    key = _key(obj)
    if key is None:
        _drop(uid)
        return None
    placed, placed_views = prompts.read(obj.splatcut)  # type: ignore[attr-defined]
    wanted, inline = build_objects(placed, placed_views)
    sources = views.sources(context, obj)
    out = scenes.working_folder(uid) / "preview"

    def make() -> messages.Preview:
        out.mkdir(parents=True, exist_ok=True)
        return messages.Preview(wanted, out)

    asked = _Asked(uid, key, ready_uids(placed), _count(obj))
    asked.task = Task(
        make,
        scene=scenes.scene(uid),
        views=jobs.set_views(sources, inline),
        on_reply=lambda outcome: _answered(asked, outcome),
        on_event=lambda event: _event(asked, event),
        slot=("preview", uid),
    )
    earlier = _asked.get(uid)
    _asked[uid] = asked
    if earlier is not None and earlier.task is not None and earlier.first:
        # It has shown what it could soon; one that has not is let be, so that quick clicks get to see something.
        worker.session().cancel(earlier.task)
    if state.job is None or state.job.kind != "run":
        state.set_job(state.JobStatus("preview", message="Preview", scene=uid))
    return worker.submit(asked.task)


def _warm(obj: Any) -> None:
    """Starts the worker and gives it the scene when there is an object to be clicked on, so that the first click need
    not wait for that. What goes wrong is told when something is asked for."""
    settings = obj.splatcut
    if bpy.app.background or not len(settings.objects) or not worker.session().idle:
        return
    data = splats.arrays(obj).key
    if _warmed.get(settings.uid) == data:
        return
    _warmed[settings.uid] = data
    with contextlib.suppress(UserError):
        request = jobs.set_views(views.sources(bpy.context, obj), ())
        worker.submit(Task(request, scene=scenes.scene(settings.uid), slot=("warm", settings.uid)))


def _key(obj: Any) -> object:
    """Changes with everything that the preview depends on; None when there is nothing to preview."""
    settings = obj.splatcut
    placed, placed_views = prompts.read(settings)
    if not any(item.is_ready for item in placed):
        return None
    source: tuple[object, ...] = (settings.view_source,)
    if settings.view_source == "DATASET":
        source += (settings.cameras_path, settings.images_path)
    elif settings.view_source == "CAMERAS":
        collection = settings.camera_collection
        cameras = [] if collection is None else [o for o in collection.all_objects if o.type == "CAMERA"]
        place = tuple(map(tuple, obj.matrix_world))
        source += (place, *((o.name, *_lens(o.data), *map(tuple, o.matrix_world)) for o in cameras))
    # Not the Gaussians themselves: looking at all of them at every movement of a slider would hold Blender up. Whoever
    # edits them in between sees the last preview until the next change; what the worker gets is always what they are.
    return fingerprint(placed, placed_views), source, _count(obj)


def _count(obj: Any) -> int:
    """How many Gaussians a splat object has."""
    return len(obj.data.vertices if obj.type == "MESH" else obj.data.points)


def _lens(data: Any) -> tuple[object, ...]:
    return data.type, data.lens, data.sensor_width, data.sensor_height, data.sensor_fit, data.shift_x, data.shift_y


def _ask_due() -> float | None:
    now = time.monotonic()
    for uid, due in list(_due.items()):
        if due > now:
            continue
        del _due[uid]
        try:
            ask(bpy.context, uid)
        except UserError as error:
            _failed(uid)
            state.say(str(error), "ERROR")
    return max(0.01, min(_due.values()) - now) if _due else None


def _event(asked: _Asked, event: messages.Event) -> None:
    if isinstance(event, messages.PreviewEvent):
        asked.first = True
        _show(asked, event.file, None)
        later = _asked.get(asked.uid)
        if later is not None and later is not asked and asked.task is not None:
            worker.session().cancel(asked.task)
    elif isinstance(event, messages.LogEvent):
        state.say(event.message, "WARNING")
    elif isinstance(event, messages.ProgressEvent) and _asked.get(asked.uid) is asked and not _run_is_on():
        text = jobs.progress_text(event)
        state.set_job(state.JobStatus("preview", event.stage, event.fraction, event.eta, text, asked.uid))


def _answered(asked: _Asked, outcome: Outcome) -> None:
    current = _asked.get(asked.uid) is asked
    if outcome.ok:
        _show(asked, outcome.result.file, outcome.result)
    elif outcome.problem is not None and outcome.problem.kind != "cancelled":
        state.say(outcome.problem.message, "ERROR")
    if current:
        del _asked[asked.uid]
        _end_job(asked.uid)


def _show(asked: _Asked, file: Path, result: messages.PreviewResult | None) -> None:
    """Takes over a preview's file, if the splat object is still what it was made of."""
    obj = splats.find(asked.uid)
    if obj is None or asked.over:
        return
    try:
        with np.load(file, allow_pickle=False) as content:
            labels = content["labels"].astype(np.int32)
            probability = content["probability"].astype(np.float32) / np.float32(255)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        state.say(f"The preview {file} cannot be read ({error}). Change a prompt to ask for another.", "ERROR")
        return
    with contextlib.suppress(OSError):
        file.unlink()
    count = _count(obj)
    if labels.shape != (count,) or probability.shape != (count,) or asked.count != count:
        return  # the object was edited meanwhile; another preview is on its way
    try:
        now = _key(obj)
    except UserError:
        now = None
    stale = now != asked.key
    first = result is None
    counts = None if result is None else dict(result.counts)
    seconds = 0.0 if result is None else result.seconds
    if first:
        # What was shown before is not any more, so that to go back to its prompts takes a preview of its own.
        _shown.pop(asked.uid, None)
    else:
        _shown[asked.uid] = asked.key
        if state.message_level == "ERROR" and not stale:
            state.say("")  # what went wrong before is mended
    state.set_preview(asked.uid, state.Preview(labels, probability, asked.objects, stale, first, counts, seconds))


def _give_up(uid: str) -> None:
    asked = _asked.pop(uid, None)
    if asked is not None:
        asked.over = True
        if asked.task is not None:
            worker.session().cancel(asked.task)
        _end_job(uid)


def _failed(uid: str) -> None:
    _asked.pop(uid, None)
    _end_job(uid)


def _drop(uid: str) -> None:
    """There is nothing to preview any more."""
    _due.pop(uid, None)
    _shown.pop(uid, None)
    _give_up(uid)
    if uid in state.preview:
        state.set_preview(uid, None)


def _end_job(uid: str) -> None:
    if state.job is not None and state.job.kind == "preview" and state.job.scene == uid:
        state.set_job(None)


def _run_is_on() -> bool:
    return state.job is not None and state.job.kind == "run"


class SPLATCUT_OT_preview(bpy.types.Operator):
    """Ask the engine what would be cut with the prompts as they are"""

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
            _shown.pop(uid, None)
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


@persistent
def _on_history(*_: object) -> None:
    check_all()


@persistent
def _on_load(*_: object) -> None:
    forget()
    scenes.forget()
    state.clear()


_HANDLERS = (("undo_post", _on_history), ("redo_post", _on_history), ("load_post", _on_load))

CLASSES = (SPLATCUT_OT_preview,)


def register() -> None:
    """Starts to follow undo, redo and opened files."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Stops to."""
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    if bpy.app.timers.is_registered(_ask_due):
        bpy.app.timers.unregister(_ask_due)
    forget()
    state.clear()
