# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a job's views through the engine, which knows all camera formats, and showing them as Blender's cameras."""

from typing import Any

import bpy
from bpy.props import BoolProperty

from splatcut.errors import UserError
from splatcut.messages import worker as messages

from ..bridge import prompts, scenes, splats, state, undo, views, worker
from ..core import jobs
from ..core.client import Outcome
from ..core.prompts import build_objects
from ..core.session import Task
from .common import WorkerOperator


class SPLATCUT_OT_load_views(WorkerOperator, bpy.types.Operator):
    """Read the views that the engine will use, and report how many there are"""

    bl_idname = "splatcut.load_views"
    bl_label = "Load Views"
    # The step of undo is pushed when the cameras are made, which may be after this operator's end.
    bl_options = {"REGISTER"}

    create_cameras: BoolProperty(  # type: ignore[valid-type]
        name="Make Cameras",
        description="Make a Blender camera for each view of the data set, with its photo as the background",
        default=False,
    )
    match_resolution: BoolProperty(  # type: ignore[valid-type]
        name="Match Render Size",
        description="Set the scene's render size to the size of the photos, so that renders match them",
        default=False,
    )

    def ask(self, context: bpy.types.Context, uid: str) -> Task:
        return load(context, uid, cameras=self.create_cameras, resize=self.match_resolution)

    def tell(self, outcome: Outcome) -> None:
        self.report({"INFO"}, state.message)


def load(context: bpy.types.Context, uid: str, *, cameras: bool, resize: bool) -> Task:
    """Asks the worker for the views of a splat object. Raises ``UserError``."""
    obj: Any = scenes.find(uid)
    placed, placed_views = prompts.read(obj.splatcut)
    _, inline = build_objects(placed, placed_views, splats.world_offset(obj))
    request = jobs.set_views(views.sources(context, obj), inline)
    worker.python()  # a missing environment is told at once

    def answered(outcome: Outcome) -> None:
        if state.job is not None and state.job.kind == "views":
            state.set_job(None)
        if outcome.problem is not None:
            state.say(outcome.problem.message, "INFO" if outcome.problem.kind == "cancelled" else "ERROR")
            return
        result: messages.SetViewsResult = outcome.result
        prompted = {view.name for view in inline}
        own = [view for view in result.views if view.name not in prompted]
        text = views_text(own, virtual=result.virtual)
        if cameras and own:
            text += f" {_show(uid, own, resize=resize)}"
        state.say(text)

    task = Task(
        request,
        scene=scenes.scene(uid),
        on_reply=answered,
        on_event=lambda event: _event(event, uid),
        slot=("views", uid),
    )
    if state.job is None or state.job.kind == "preview":
        state.set_job(state.JobStatus("views", message="Reading the views", scene=uid))
    worker.session().forget_views()
    return worker.submit(task)


def views_text(own: list[Any], *, virtual: bool) -> str:
    """A sentence on what there is."""
    if not own:
        return "There are no cameras, so the engine places views around what you click on."
    with_photo = sum(view.photo is not None for view in own)
    photos = "all with photos" if with_photo == len(own) else f"{with_photo} of them with photos"
    if not with_photo:
        photos = "none with a photo, so renders of the splat stand in"
    text = f"{len(own)} view{'s' if len(own) != 1 else ''}, {photos}."
    return f"{text} These are too few, so the engine adds virtual ones." if virtual else text


def _show(uid: str, own: list[Any], *, resize: bool) -> str:
    try:
        obj = scenes.find(uid)
        collection = views.create_cameras(bpy.context, obj, own)
    except (UserError, RuntimeError) as error:
        return str(error)
    sizes = {(view.width, view.height) for view in own}
    if resize:
        render: Any = bpy.context.scene.render
        render.resolution_x, render.resolution_y = max(sizes)
        render.resolution_percentage = 100
    undo.push("Make Cameras")
    mixed = " Their sizes differ, but Blender has one render size for all cameras." if len(sizes) > 1 else ""
    return f"Their cameras are in {collection.name!r}.{mixed}"


def _event(event: messages.Event, uid: str) -> None:
    if isinstance(event, messages.ProgressEvent) and state.job is not None and state.job.kind == "views":
        text = jobs.progress_text(event)
        state.set_job(state.JobStatus("views", event.stage, event.fraction, event.eta, text, uid))
    elif isinstance(event, messages.LogEvent):
        state.say(event.message, "WARNING")


CLASSES = (SPLATCUT_OT_load_views,)
