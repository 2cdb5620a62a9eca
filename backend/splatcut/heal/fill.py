# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Holes filled with Gaussians."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from splatcut.heal.chart import Chart
from splatcut.heal.texture import SQUARE, blurred, continued, filled
from splatcut.scene.gaussians import F32, SH_C0, Gaussians, PixelFilter

Bools = NDArray[np.bool_]
F64 = NDArray[np.float64]

#: Standard deviations along and across the surface, cells; opacity. So laid, they cover more than 0.99.
ALONG, ACROSS, OPACITY = 0.7, 0.15, 0.95
#: The filling reaches so many cells under what is known, and lies this many cells lower there.
UNDER, LOWER = 1, 0.15
#: Heights are smoothed over so many cells before they are continued.
SMOOTH = 6.0
#: What is known is trusted where it covers this much; what covers less within so many cells of a hole is part of it.
SURE, FRINGE = 0.9, 6


@dataclass(frozen=True, eq=False)
class Filling:
    """New Gaussians, and their colours [F, 3] float32, display-referred sRGB."""

    gaussians: Gaussians
    colours: F32


def widened(hole: Bools, cover: F32, fringe: int) -> Bools:
    """The hole [H, W] with its frayed rim, at most ``fringe`` pixels of it, and a little of what is known."""
    frayed = (cover < SURE) & ndimage.binary_dilation(hole, SQUARE, iterations=fringe)
    whole = ndimage.binary_propagation(hole, mask=frayed | hole)
    return whole | ndimage.binary_dilation(hole, SQUARE, iterations=UNDER)


def fill(chart: Chart, sh_degree: int, pixel_filter: PixelFilter) -> Filling:
    """Gaussians that close the chart's hole, a cell each."""
    hole = widened(chart.hole, chart.cover, FRINGE)
    known = (chart.cover > SURE) & ~hole
    colour = filled(chart.colour, known, hole)
    height = continued(blurred(chart.height[..., None], known, SMOOTH), known, hole)[..., 0]
    height = height.clip(-chart.plane.spacing, chart.plane.spacing)
    height = height - LOWER * chart.cell * (~chart.hole)
    chosen = np.flatnonzero(hole.ravel())
    axes = np.broadcast_to(chart.plane.axes.T, (len(chosen), 3, 3))
    size = np.full(len(chosen), chart.cell)
    return discs(chart.points(height)[chosen], axes, size, colour.reshape(-1, 3)[chosen], sh_degree, pixel_filter)


def discs(
    means: F64, axes: NDArray[np.floating], size: F64, colours: F32, sh_degree: int, pixel_filter: PixelFilter
) -> Filling:
    """Flat Gaussians on a surface.

    Args:
        means: [F, 3] world; axes: [F, 3, 3] their axes as columns, the last across the surface.
        size: [F] distance to their neighbours, world units.
    """
    count = len(means)
    harmonics = np.zeros((count, (sh_degree + 1) ** 2, 3), np.float32)
    harmonics[:, 0] = (colours - 0.5) / SH_C0
    x, y, z, w = Rotation.from_matrix(axes).as_quat().T if count else np.zeros((4, 0))
    made = Gaussians(
        means.astype(np.float32),
        np.log(size[:, None] * [ALONG, ALONG, ACROSS]).astype(np.float32),
        np.stack([w, x, y, z], axis=1).astype(np.float32),
        np.full(count, math.log(OPACITY / (1 - OPACITY)), np.float32),
        harmonics,
        pixel_filter,
    )
    return Filling(made, colours.astype(np.float32))
