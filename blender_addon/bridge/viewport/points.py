# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A coloured point for each splat: for slow machines, and where the splats' shaders do not work."""

from __future__ import annotations

from typing import Any

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from ...core import drawing
from ...core.arrays import SplatArrays
from . import shaders

#: Splats with less opacity get no point: a scene has many that nobody is to see.
FAINT = 0.1
SIZE = 3.0


class Points:
    """The points of one splat object on the GPU.

    Args:
        arrays: the splats.
        codes: ``drawing.tint_codes`` [N], or None.
        palette: [P, 4] display-referred sRGB and strength.
    """

    def __init__(
        self,
        shader: gpu.types.GPUShader,
        arrays: SplatArrays,
        codes: NDArray[np.float32] | None,
        palette: NDArray[np.floating],
    ) -> None:
        seen = arrays.opacity >= FAINT
        colours = np.ones((int(seen.sum()), 4), dtype=np.float32)
        base = np.clip(arrays.base[seen], 0, 1)
        if codes is not None:
            base = drawing.tinted(base, codes[seen], palette)
        colours[:, :3] = drawing.scene_linear(base)
        self.count = len(colours)
        self._shader = shader
        self._batch = batch_for_shader(shader, "POINTS", {"position": arrays.positions[seen], "colour": colours})

    def draw(self, transform: NDArray[np.float64]) -> None:
        """Draws onto the bound framebuffer, which takes linear values. ``transform``: [4, 4] clip_from_object."""
        from mathutils import Matrix

        if not self.count:
            return
        self._shader.bind()
        self._shader.uniform_float("splat_transform", Matrix(transform.tolist()))
        self._shader.uniform_float("splat_size", SIZE)
        gpu.state.program_point_size_set(True)
        gpu.state.depth_test_set("LESS_EQUAL")
        gpu.state.depth_mask_set(True)
        try:
            self._batch.draw(self._shader)
        finally:
            gpu.state.depth_mask_set(False)
            gpu.state.depth_test_set("NONE")
            gpu.state.program_point_size_set(False)


class PointCache:
    """The points of the objects that are shown as such."""

    def __init__(self) -> None:
        self._shader: gpu.types.GPUShader | None = None
        self._points: dict[str, tuple[Any, Points]] = {}

    def draw(
        self,
        uid: str,
        key: Any,
        arrays: SplatArrays,
        codes: NDArray[np.float32] | None,
        palette: NDArray[np.floating],
        transform: NDArray[np.float64],
    ) -> None:
        """Draws the points of an object; they are made anew where ``key`` is another than last time."""
        if self._shader is None:
            self._shader = shaders.point_shader()
        found = self._points.get(uid)
        if found is None or found[0] != key:
            found = key, Points(self._shader, arrays, codes, palette)
            self._points[uid] = found
        found[1].draw(transform)

    def keep(self, uids: set[str]) -> None:
        """Frees the points of all other objects."""
        for uid in set(self._points) - uids:
            del self._points[uid]
