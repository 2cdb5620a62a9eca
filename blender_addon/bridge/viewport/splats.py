# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats on the GPU: what all viewports share, and what each has for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from ...core import drawing
from ...core.arrays import SplatArrays
from . import shaders

#: Radians that the direction to the scene may turn before the splats are put in order again, and relative distance the
#: viewer may move before view-dependent colours are computed again.
ORDER_TOLERANCE = 2e-3
COLOUR_TOLERANCE = 0.05

_SQUARE = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
_TRIANGLES = [(0, 1, 2), (0, 2, 3)]


def texture(values: NDArray[np.floating], channels: int, kind: str) -> gpu.types.GPUTexture:
    """Values one after another in a texture of the standard width."""
    flat = drawing.padded(values, channels)
    size = (drawing.TEXTURE_WIDTH, flat.size // channels // drawing.TEXTURE_WIDTH)
    return gpu.types.GPUTexture(size, format=kind, data=gpu.types.Buffer("FLOAT", flat.size, flat))


class Programs:
    """The compiled shaders and their quads; made at the first drawing."""

    def __init__(self) -> None:
        self.splat = shaders.splat_shader()
        self.composite = shaders.composite_shader()
        self.splat_quad = batch_for_shader(self.splat, "TRIS", {"corner": _SQUARE}, indices=_TRIANGLES)
        self.composite_quad = batch_for_shader(self.composite, "TRIS", {"corner": _SQUARE}, indices=_TRIANGLES)


class SplatSet:
    """Several splat objects as one list on the GPU.

    Args:
        parts: the objects' arrays, in the order in which ``Eye`` gets their matrices.
    """

    def __init__(self, parts: Sequence[SplatArrays]) -> None:
        self.parts = tuple(parts)
        self.counts = tuple(len(part.positions) for part in parts)
        self.count = sum(self.counts)
        texels = drawing.blank(drawing.TEXELS * self.count, 4)
        packed = texels[: 4 * drawing.TEXELS * self.count].reshape(self.count, -1)
        first = 0
        for number, part in enumerate(parts):
            rows = packed[first : first + self.counts[number]]
            drawing.pack(
                part.positions, part.scales, part.quats, part.opacity, number, out=rows, pixel_filter=part.pixel_filter
            )
            first += self.counts[number]
        self.data = texture(texels, 4, "RGBA32F")
        self.tints = texture(np.zeros(self.count, np.float32), 1, "R32F")
        self.palette = texture(np.zeros(4, np.float32), 4, "RGBA32F")
        self.tint_key: Any = None
        self._tinted = False
        self.generation = 0

    def set_tints(self, key: Any, codes: Sequence[NDArray[np.float32] | None], palette: NDArray[np.floating]) -> None:
        """Takes new tints; ``tint_key`` is then ``key``.

        Args:
            codes: for each object ``drawing.tint_codes`` [N], or None where nothing is tinted.
            palette: [P, 4] display-referred sRGB and strength in [0, 1]; row 0 is not used.
        """
        tinted = any(code is not None for code in codes)
        if tinted or self._tinted:
            values = np.zeros(self.count, dtype=np.float32)
            first = 0
            for code, count in zip(codes, self.counts, strict=True):
                if code is not None:
                    values[first : first + count] = code
                first += count
            self.tints = texture(values, 1, "R32F")
        self.palette = texture(palette, 4, "RGBA32F")
        self.tint_key, self._tinted = key, tinted
        self.generation += 1


@dataclass
class Eye:
    """What one viewport has for itself: the order and the colours as seen from its viewer."""

    splats: SplatSet
    order: gpu.types.GPUTexture | None = None
    drawn: int = 0
    step: int = 0
    colours: gpu.types.GPUTexture | None = None
    _rows: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    _centres: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))

    def look(self, views: NDArray[np.float64], step: int, *, settled: bool = True) -> None:
        """Puts the splats in order and colours them for a view, where it differs enough from the last.

        Args:
            views: [K, 4, 4] view_from_object (OpenGL axes) of each object.
            step: only every ``step``-th splat is drawn.
            settled: whether the view stays for a while, so that view-dependent colours are worth computing.
        """
        if self.order is None or step != self.step or self._turned(views[:, 2]):
            order = drawing.back_to_front([part.positions for part in self.splats.parts], views[:, 2], step)
            order = order[-drawing.MAX_SPLATS :]
            self.order, self.drawn, self.step = texture(order, 1, "R32F"), len(order), step
            self._rows = views[:, 2].copy()
        centres = np.stack([-np.linalg.pinv(view[:3, :3]) @ view[:3, 3] for view in views])
        if self.colours is None or (settled and self._moved(centres)):
            texels = drawing.blank(self.splats.count, 4)
            first = 0
            for part, centre in zip(self.splats.parts, centres, strict=True):
                rows = texels[4 * first :].reshape(-1, 4)[: len(part.positions), :3]
                rows[:] = drawing.seen_colours(part.base, part.sh, part.positions, centre)
                first += len(part.positions)
            self.colours = texture(texels, 4, "RGBA16F")
            self._centres = centres

    def _turned(self, rows: NDArray[np.float64]) -> bool:
        if rows.shape != self._rows.shape:
            return True
        new, old = rows, self._rows
        lengths = np.linalg.norm(old[:, :3], axis=1)
        if (np.linalg.norm(new[:, :3] - old[:, :3], axis=1) > ORDER_TOLERANCE * lengths).any():
            return True
        # Moving along the axis leaves one object's order as it is; several must stay in order among each other.
        return len(rows) > 1 and bool(np.ptp(new[:, 3] - old[:, 3]) > ORDER_TOLERANCE * float(lengths.max()))

    def _moved(self, centres: NDArray[np.float64]) -> bool:
        if all(part.sh is None or not part.sh.shape[1] for part in self.splats.parts):
            return False
        for part, new, old in zip(self.splats.parts, centres, self._centres, strict=True):
            some = part.positions[:: max(1, len(part.positions) // 256)]
            distance = float(np.median(np.linalg.norm(some - new, axis=1))) if len(some) else 1.0
            if float(np.linalg.norm(new - old)) > COLOUR_TOLERANCE * max(distance, 1e-9):
                return True
        return False


def draw(
    programs: Programs, eye: Eye, projection: NDArray[np.float64], views: NDArray[np.float64], width: int, height: int
) -> None:
    """Draws onto the bound framebuffer: display-referred sRGB, premultiplied, tested against its depth.

    Args:
        projection: [4, 4] OpenGL's, perspective or orthographic.
        views: [K, 4, 4] view_from_object.
        width, height: of the viewport in pixels.
    """
    from mathutils import Matrix

    if eye.order is None or eye.colours is None or not eye.drawn:
        return
    shader, splats = programs.splat, eye.splats
    rows = np.ascontiguousarray(views[:, :3], dtype=np.float32).ravel()
    buffer = gpu.types.Buffer("FLOAT", rows.size, rows)
    objects = gpu.types.GPUTexture((rows.size // 4, 1), format="RGBA32F", data=buffer)
    shader.bind()
    shader.uniform_float("splat_projection", Matrix(projection.tolist()))
    shader.uniform_float("splat_view", (float(width), float(height), float(eye.step), 0.0))
    shader.uniform_sampler("splat_data", splats.data)
    shader.uniform_sampler("splat_order", eye.order)
    shader.uniform_sampler("splat_colours", eye.colours)
    shader.uniform_sampler("splat_tints", splats.tints)
    shader.uniform_sampler("splat_objects", objects)
    shader.uniform_sampler("splat_palette", splats.palette)
    gpu.state.blend_set("ALPHA_PREMULT")
    gpu.state.depth_test_set("LESS_EQUAL")
    gpu.state.depth_mask_set(False)
    try:
        programs.splat_quad.draw_instanced(shader, instance_start=0, instance_count=eye.drawn)
    finally:
        gpu.state.blend_set("NONE")
        gpu.state.depth_test_set("NONE")
