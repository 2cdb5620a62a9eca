# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-up of splats for Cycles, on and off."""

from typing import Any

import bpy
from bpy.props import BoolProperty

from ..bridge import render, splats


class SPLATCUT_OT_render_setup(bpy.types.Operator):
    """Let Cycles render the selected splats, with geometry nodes and a material; again: take that off"""

    bl_idname = "splatcut.render_setup"
    bl_label = "Set Up for Renders"
    bl_options = {"REGISTER", "UNDO"}

    scene_settings: BoolProperty(  # type: ignore[valid-type]
        name="Set the Scene",
        description="Choose Cycles, with enough transparency, and the view transform that keeps the capture's colours",
        default=True,
    )
    off: BoolProperty(  # type: ignore[valid-type]
        name="Take It Off", description="Also where not all of the splats have it", default=False
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a splat object to set up."""
        return bool(_chosen(context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """A button that turns on and off."""
        self.off = all(render.is_set_up(obj) for obj in _chosen(context))
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        objects = _chosen(context)
        if splats.native():
            self.report({"INFO"}, "This Blender draws splats itself, in renders, too.")
            return {"CANCELLED"}
        for obj in objects:
            if self.off:
                render.remove(obj)
            else:
                render.set_up(obj)
        if not self.off and self.scene_settings:
            render.prepare_scene(context.scene)
        count = f"{len(objects)} splat object{'s' if len(objects) != 1 else ''}"
        if self.off:
            self.report({"INFO"}, f"Cycles renders {count} no longer as splats.")
        else:
            self.report({"INFO"}, f"Cycles renders {count}. EEVEE would be far too slow.")
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
