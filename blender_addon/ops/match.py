# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours that look as trained where Blender draws splats, and back."""

from typing import Any

import bpy

from splatcut.errors import UserError
from splatcut.messages import worker as messages

from ..bridge import matched, native, splats, state, views, worker
from . import run
from .common import NO_SPLAT

_KIND = run.Kind(
    "match",
    "Match Blender's Light",
    "The colours are matched. They appear as soon as you return to object mode.",
    "Stopped. Nothing was changed.",
    "Stopped. Match the colours again to see them.",
)


def start(context: bpy.types.Context, uid: str) -> run.Running:
    """Asks the worker to match the active splat object, or the results that are shown with it.

    Raises:
        UserError: they cannot be matched, or something is on.
    """
    run.check_free()
    objects = matched.targets(context)
    if not objects:
        raise UserError(NO_SPLAT)
    matching = matched.Matching(objects)
    sources = views.sources(context, splats.find(objects[0].splatcut.result_of) or objects[0])
    worker.python()  # a missing environment is told at once

    def make() -> messages.Match:
        return messages.Match(
            matching.write(),
            matching.out,
            cameras=sources.cameras,
            images=sources.images,
            force=True,
            device=worker.option("device", "auto"),
        )

    return run.begin(run.Running(uid, _KIND, matching.deliver), make)


class SPLATCUT_OT_match(run.Cutting, bpy.types.Operator):
    """Fit the colours so that the splat looks as trained in Blender, which blends in linear light. Of results, all that
    are shown are matched together. The trained colours are kept for cutting and export"""

    bl_idname = "splatcut.match"
    bl_label = "Match Blender's Light"
    # No UNDO: the colours arrive later, and their arrival is the step.
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where Blender draws splats."""
        if not native.native():
            cls.poll_message_set("This Blender does not draw splats itself; Blender 5.3 does.")  # type: ignore[attr-defined]
            return False
        return super().poll(context)

    def begin(self, context: bpy.types.Context, uid: str) -> run.Running:
        return start(context, uid)


class SPLATCUT_OT_restore_colours(bpy.types.Operator):
    """Show the colours as they were trained again, bit for bit. Of results, all that are shown get theirs back"""

    bl_idname = "splatcut.restore_colours"
    bl_label = "Restore Trained Colours"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something must be matched."""
        if not any(map(matched.is_matched, matched.targets(context))):
            cls.poll_message_set("The colours of the active splat are as trained already.")  # type: ignore[attr-defined]
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Any:
        """Restores all or nothing."""
        objects = [obj for obj in matched.targets(context) if matched.is_matched(obj)]
        try:
            for obj in objects:
                matched.check(obj)
            for obj in objects:
                matched.restore(obj)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            state.say(str(error), "ERROR")
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (SPLATCUT_OT_match, SPLATCUT_OT_restore_colours)
