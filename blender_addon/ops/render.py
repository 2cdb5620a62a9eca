# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-up of splats for Cycles, on and off."""

from typing import Any

import bpy
from bpy.props import BoolProperty

from splatcut.errors import UserError

from ..bridge import native, render, upgrade


class SPLATCUT_OT_render_setup(bpy.types.Operator):
    """Prepare the scene and the selected splats for Cycles, in the capture's colours; what this adds can be removed"""

    bl_idname = "splatcut.render_setup"
    bl_label = "Set Up for Rendering"
    bl_options = {"REGISTER", "UNDO"}

    scene_settings: BoolProperty(  # type: ignore[valid-type]
        name="Set Up the Scene",
        description=(
            "Switch to Cycles with enough transparent bounces, and to the view transform that keeps the colours of "
            "the capture"
        ),
        default=True,
    )
    off: BoolProperty(  # type: ignore[valid-type]
        name="Remove",
        description="Remove the nodes and the material, even if only some of the splats have them",
        default=False,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a splat object to set up."""
        return bool(_chosen(context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """A button that turns on and off."""
        self.off = not native.native() and all(render.is_set_up(obj) for obj in _chosen(context))
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        objects = _chosen(context)
        try:
            for obj in objects:
                if self.off:
                    render.remove(obj)
                elif native.native():
                    if upgrade.is_outdated(obj):
                        upgrade.upgrade(obj)
                else:
                    render.set_up(obj)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        before = None
        if not self.off and self.scene_settings:
            before = render.prepare_scene(context.scene)
        count = f"{len(objects)} splat object{'s' if len(objects) != 1 else ''}"
        if self.off:
            self.report({"INFO"}, f"{count} no longer set up for rendering.")
        else:
            own = "" if native.native() else " EEVEE would be far too slow."
            self.report({"INFO"}, f"{count} set up for rendering with Cycles.{own}")
        if before is not None:
            self.report(
                {"INFO"}, f"The view transform is now Standard, so that colours match the capture. It was {before}."
            )
        return {"FINISHED"}


def _chosen(context: bpy.types.Context) -> list[Any]:
    """The selected splat objects, or the active one."""
    layer = context.view_layer
    if layer is None:
        return []
    chosen = render.splat_objects([obj for obj in layer.objects if obj.select_get()])
    active = layer.objects.active
    return chosen or (render.splat_objects([active]) if active is not None else [])


CLASSES = (SPLATCUT_OT_render_setup,)
