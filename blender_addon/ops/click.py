# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place in a 3D viewport: where the mouse is, or what a script says."""

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from bpy.props import FloatProperty, FloatVectorProperty, IntProperty
from mathutils import Matrix
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.scene.camera import Camera

from ..bridge import prompts, splats
from ..core import overlay, picking
from ..core import prompts as core
from ..core.cameras import Viewport
from .common import SplatOperator

_HIDDEN = {"HIDDEN", "SKIP_SAVE"}


@dataclass(frozen=True, eq=False)
class Click:
    """What is under a pixel.

    Attributes:
        view: the view to be prompted, None in an orthographic viewport.
        x, y: the pixel in ``view``.
        position: [3] the surface, file frame, or None where there is none; gaussian: its index, or None.
    """

    view: Camera | None
    x: float
    y: float
    position: NDArray[np.float64] | None
    gaussian: int | None


class ViewportView(SplatOperator):
    """Base of operators that happen in a viewport. From Python: all of the first four properties, or none.

    ``view_matrix`` and ``window_matrix`` are mathutils matrices, as ``RegionView3D`` has them.
    """

    view_matrix: FloatVectorProperty(size=(4, 4), subtype="MATRIX", options=_HIDDEN)  # type: ignore[valid-type]
    window_matrix: FloatVectorProperty(size=(4, 4), subtype="MATRIX", options=_HIDDEN)  # type: ignore[valid-type]
    width: IntProperty(min=0, options=_HIDDEN)  # type: ignore[valid-type]
    height: IntProperty(min=0, options=_HIDDEN)  # type: ignore[valid-type]

    #: Whether it was invoked with the mouse.
    by_hand = False

    def viewport(self, obj: Any) -> Viewport:
        """The viewport that the properties describe. Raises ``UserError`` when they do not."""
        given: Any = self
        if not given.width or not given.height:
            raise UserError("Pass the viewport's view_matrix, window_matrix, width and height.")
        view = Matrix(given.view_matrix)
        if max(abs(a - b) for a, b in zip(view[3], (0, 0, 0, 1), strict=True)) > 1e-5:
            raise UserError(
                "view_matrix is not a valid view matrix: its last row must be 0, 0, 0, 1. Pass a mathutils.Matrix, "
                "not lists."
            )
        return Viewport.of(view, Matrix(given.window_matrix), given.width, given.height, obj.matrix_world)

    def look(self, context: bpy.types.Context) -> bool:
        """Takes the viewport of the region that the operator was invoked in; False where there is none."""
        region, data = context.region, context.region_data
        if region is None or data is None or region.type != "WINDOW":
            return False
        given: Any = self
        given.view_matrix, given.window_matrix = data.view_matrix, data.window_matrix
        given.width, given.height = region.width, region.height
        self.by_hand = True
        return True

    def look_at(self, obj: Any, x: float, y: float) -> Click:
        """What is under a pixel of the viewport (x right, y down from the top left, centres at +0.5)."""
        port = self.viewport(obj)
        arrays = splats.arrays(obj, with_sh=False)
        if port.is_orthographic:
            camera = port.picking_camera(x, y, _reach(arrays.positions, port.matrix_world))
            found = None if camera is None else picking.pick(arrays, camera, x, y)
            return Click(None, x, y, *(found or (None, None)))
        camera = port.camera()
        if camera is None:
            raise UserError("The viewport has no area.")
        found = picking.pick(arrays, camera, x, y)
        kept, u, v = core.prompted_view(camera, x, y)
        return Click(kept, u, v, *(found or (None, None)))


class ViewportClick(ViewportView):
    """Base of operators that a click in a viewport starts."""

    x: FloatProperty(description="Pixels from the left", options=_HIDDEN)  # type: ignore[valid-type]
    y: FloatProperty(description="Pixels from the top", options=_HIDDEN)  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Takes the mouse's place."""
        if not self.look(context):
            return {"PASS_THROUGH"}
        given: Any = self
        given.x, given.y = event.mouse_region_x + 0.5, given.height - (event.mouse_region_y + 0.5)
        return given.execute(context)

    def click(self, obj: Any) -> Click:
        """What the properties point at."""
        given: Any = self
        return self.look_at(obj, given.x, given.y)

    def prompt_under(self, obj: Any) -> str:
        """The uid of the prompt that is drawn at the place, or ""."""
        given: Any = self
        return prompt_at(obj, self.viewport(obj), given.x, given.height - given.y)


def prompt_at(obj: Any, port: Viewport, x: float, y: float) -> str:
    """The uid of the prompt at region pixel (x, y), y up; "" for none."""
    # Without a window it is 0.
    scale = bpy.context.preferences.system.ui_scale or 1.0
    return overlay.hit(overlay.marks(*prompts.read(obj.splatcut), port), x, y, scale)


def _reach(positions: NDArray[np.float32], matrix_world: NDArray[np.float64]) -> float:
    """How far from Blender's world origin the splat reaches."""
    if not len(positions):
        return 1.0
    corners = np.array([positions.min(axis=0), positions.max(axis=0)], dtype=np.float64)
    grid = np.array([[corners[i, 0], corners[j, 1], corners[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    return float(np.linalg.norm(grid @ matrix_world[:3, :3].T + matrix_world[:3, 3], axis=1).max())
