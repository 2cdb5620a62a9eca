# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes over prompts from a file, such as those that a batch or another program made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from splatcut.errors import UserError
from splatcut.messages import InlineView, ObjectPrompt
from splatcut.messages import worker as messages

from ..bridge import prompts, scenes, splats, state, undo, views, worker
from ..core import cameras, jobs, picking, prompts_file
from ..core.client import Outcome
from ..core.session import Task
from .common import SplatOperator, active_splat, changed, refuse
from .objects import add


class SPLATCUT_OT_prompts_load(SplatOperator, bpy.types.Operator, ImportHelper):
    """Load objects and prompts from a prompts.json file. An object of the same name gets the prompts in the file"""

    bl_idname = "splatcut.prompts_load"
    bl_label = "Load Prompts"
    # The step of undo is pushed when the views are known, which may be after this operator's end.
    bl_options = {"REGISTER"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})  # type: ignore[valid-type]
    replace: BoolProperty(  # type: ignore[valid-type]
        name="Replace All", description="First remove the objects that are in the list", default=False
    )

    by_hand = False

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Any:
        """Asks for the file."""
        self.by_hand = not bpy.app.background
        return super().invoke(context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            objects = prompts_file.load(Path(bpy.path.abspath(self.filepath)))
            names = prompts_file.views_of(objects)
            if not names:
                _place(obj, objects, {}, replace=self.replace)
                undo.push("Load Prompts")
                return {"FINISHED"}
            task = _task(context, obj, objects, replace=self.replace)
        except UserError as error:
            return refuse(self, error, gently=self.by_hand)
        worker.submit(task)
        if self.by_hand:
            return {"FINISHED"}
        outcome = worker.wait(task)
        if outcome.problem is not None:
            return refuse(self, outcome.problem.message, gently=False)
        return {"FINISHED"}


def _task(context: Any, obj: Any, objects: tuple[ObjectPrompt, ...], *, replace: bool) -> Task:
    """Asks the engine, which can read all formats, for the views' cameras; then the prompts are placed."""
    uid = obj.splatcut.uid
    names = prompts_file.views_of(objects)
    sources = views.sources(context, obj)
    if sources.cameras is None:
        prompts_file.check_views(names, {})

    def place() -> messages.Request:
        result = worker.session().views
        known = {view.name: view for view in result.views} if result is not None else {}
        prompts_file.check_views(names, known)
        _place(scenes.find(uid), objects, known, replace=replace)
        undo.push("Load Prompts")
        # The preview that follows needs them.
        return messages.Encode(names)

    def answered(outcome: Outcome) -> None:
        if outcome.problem is not None:
            state.say(outcome.problem.message, "ERROR")

    return Task(place, scene=scenes.scene(uid), views=jobs.set_views(sources, ()), on_reply=answered)


def _place(obj: Any, objects: tuple[ObjectPrompt, ...], known: Mapping[str, InlineView], *, replace: bool) -> None:
    """Writes the prompts into the properties."""
    settings = obj.splatcut
    arrays, offset = splats.arrays(obj), splats.world_offset(obj)
    if replace:
        settings.objects.clear()
    for item in objects:
        target = next((other for other in settings.objects if other.name == item.name), None) or add(obj, item.name)
        target.prompts.clear()
        target.grow = item.grow
        for prompt in prompts_file.listed(item):
            view, position = "", None if prompt.position is None else tuple((prompt.position - offset).tolist())
            if prompt.view:
                camera = cameras.from_inline(known[prompt.view], offset)
                view = prompts.place_view(settings, camera, prompt.view)
                # What is shown of it in the viewport; a box hangs where its middle is.
                x, y = (sum(prompt.pixels[k::2]) / len(prompt.pixels[k::2]) for k in (0, 1))
                hit = picking.pick(arrays, camera, x, y)
                position = None if hit is None else tuple(hit[0])
            prompts.write_prompt(
                target.prompts.add(),
                kind=prompt.kind,
                view=view,
                positive=prompt.positive,
                pixels=prompt.pixels,
                position=position,
            )
    settings.active_object = 0
    changed(obj)


CLASSES = (SPLATCUT_OT_prompts_load,)
